/* `bare-server.ts`: prints the URL of a server of the framework that ours is made with, which keeps what is sent in memory and does nothing else. */
import fastify from 'fastify';

const kept = new Map<string, Buffer>();
const app = fastify({ logger: false });
app.removeAllContentTypeParsers();
app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, bytes, done) => {
  done(null, bytes);
});
app.put('/v1/objects/:key', async ({ params, body }, reply) => {
  kept.set((params as { readonly key: string }).key, body as Buffer);
  return reply.code(204).send();
});
app.get('/v1/objects/:key', async ({ params }, reply) =>
  reply.type('application/octet-stream').send(kept.get((params as { readonly key: string }).key)),
);
console.log(await app.listen({ host: '127.0.0.1', port: 0 }));
process.stdin.resume().on('end', () => process.exit(0));
