/*
 * `distance.ts HOST PORT MILLISECONDS`: prints a port of the loopback; what comes there goes to that server, each way that much later, as if
 * it lay so far away. Ends when its standard input does.
 */
import { createConnection, createServer, type Socket } from 'node:net';
import { once } from 'node:events';

const [host = '', port = '', delay = '0'] = process.argv.slice(2);

function passOn(from: Socket, to: Socket): void {
  from.on('data', (chunk) => setTimeout(() => to.writable && to.write(chunk), Number(delay)));
  from.on('end', () => setTimeout(() => to.end(), Number(delay)));
  from.on('error', () => to.destroy());
}

const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
  const far = createConnection({ host, port: Number(port), noDelay: true, allowHalfOpen: true });
  passOn(near, far);
  passOn(far, near);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
console.log(address !== null && typeof address === 'object' ? address.port : 0);
process.stdin.resume().on('end', () => process.exit(0));
