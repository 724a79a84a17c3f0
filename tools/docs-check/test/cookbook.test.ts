import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { filesIn } from '../src/run/page-files.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));
const folders: string[] = [];
const servers: ChildProcess[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) server.kill('SIGKILL');
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

/** The code of a file with imports from `@/`, which Next.js resolves from the root of an application, as relative ones. */
function withoutAlias(path: string, code: string): string {
  const up = '../'.repeat(path.split('/').length - 1);
  return code.replaceAll(/'@\/(\S+)'/g, (_, target: string) => `'./${up}${target}.ts'`);
}

/** Writes the files of a page of the cookbook to a folder of this repository, so that packages resolve as they do for an application. */
async function written(page: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
  const files = filesIn(await readFile(join(root, 'docs/build/cookbook', page), 'utf8'));
  const parent = join(root, '.cache/cookbook');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, `${page}-`));
  folders.push(folder);
  for (const [path, code] of [...files, ...Object.entries(more)]) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), withoutAlias(path, code));
  }
  return folder;
}

/** Runs a file of the folder, as `node FILE` does there, and resolves to the line that it prints. */
async function printedBy(file: string, cwd: string): Promise<string> {
  return (await promisify(execFile)(process.execPath, [file], { cwd })).stdout.trim();
}

/** Starts `server.ts`, and resolves to its address and to what ends it as a supervisor does. */
async function started(cwd: string): Promise<{ url: string; stop: () => Promise<unknown> }> {
  const env = { ...process.env, PORT: '0' };
  const server = spawn(process.execPath, ['server.ts'], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
  servers.push(server);
  const ended = once(server, 'exit');
  for await (const line of createInterface(server.stdout)) {
    const stop = async (): Promise<unknown> => {
      server.kill('SIGTERM');
      return (await ended)[0];
    };
    if (line.startsWith('http://')) return { url: line, stop };
  }
  throw new Error('The service ended before it listened.');
}

describe('filesIn', () => {
  it('takes blocks of TypeScript that begin with a path, and no others', () => {
    const text = '# T\n```ts\n// a/b.ts\none();\n```\n```ts\nno();\n```\n```sh\n// c.ts\n```\n';
    expect([...filesIn(text)]).toEqual([['a/b.ts', 'one();\n']]);
  });
});

describe('the cookbook', () => {
  it('has a service with Express that works', async () => {
    const folder = await written('express.md');
    const token = await printedBy('setup.ts', folder);
    const { url, stop } = await started(folder);
    interface Asked {
      readonly method?: string;
      readonly body?: NonNullable<RequestInit['body']>;
      readonly headers?: Readonly<Record<string, string>>;
    }
    const ask = (path: string, { headers, ...init }: Asked = {}, bearer = token): Promise<Response> =>
      fetch(`${url}${path}`, {
        ...init,
        headers: { connection: 'close', authorization: `Bearer ${bearer}`, ...headers },
      });

    const large = Buffer.alloc(300_000, 'x');
    const first = await ask('/documents/ada/a/note', {
      method: 'PUT',
      body: large,
      headers: { 'content-type': 'text/plain' },
    });
    expect(first.status).toBe(204);
    const found = await ask('/documents/ada/a/note');
    expect(found.headers.get('etag')).toBe(first.headers.get('etag'));
    expect(found.headers.get('content-type')).toMatch('text/plain');
    expect(found.headers.get('content-disposition')).toBe('attachment');
    expect(Buffer.from(await found.arrayBuffer()).equals(large)).toBe(true);

    const etag = first.headers.get('etag') ?? '';
    const change = { method: 'PUT', body: 'two', headers: { 'if-match': etag } };
    expect((await ask('/documents/ada/a/note', change)).status).toBe(204);
    expect((await ask('/documents/ada/a/note', change)).status).toBe(412);

    expect(await (await ask('/documents/bob/note')).json()).toEqual({ error: 'ACCESS_DENIED' });
    expect((await ask('/documents/ada/..%2fbob')).status).toBe(400);
    expect((await ask('/documents/ada/none')).status).toBe(404);
    expect((await ask('/documents/ada/a/note', {}, 'sst_wrong')).status).toBe(401);
    expect((await ask('/documents/ada/a/note', { method: 'DELETE' })).status).toBe(204);
    expect((await ask('/documents/ada/a/note', { method: 'DELETE' })).status).toBe(404);
    expect(await stop()).toBe(0);
  });

  it('has a service with Fastify that works', async () => {
    const folder = await written('fastify.md');
    const token = await printedBy('setup.ts', folder);
    const { url, stop } = await started(folder);
    const ask = (method: string, body?: object, bearer = token, id = '7'): Promise<Response> =>
      fetch(`${url}/users/${id}/credential`, {
        method,
        body: body === undefined ? null : JSON.stringify(body),
        headers: {
          connection: 'close',
          authorization: `Bearer ${bearer}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
      });

    expect((await ask('GET')).status).toBe(404);
    expect((await ask('PUT', { secret: 'sk_live_1' })).status).toBe(204);
    expect((await ask('PUT', { other: 1 })).status).toBe(400);
    expect(await (await ask('GET')).json()).toEqual({ secret: 'sk_live_1' });
    expect((await ask('GET', undefined, 'wrong')).status).toBe(401);
    expect((await ask('GET', undefined, token, '7%2F8')).status).toBe(400);
    expect((await ask('DELETE')).status).toBe(204);
    expect((await ask('DELETE')).status).toBe(404);
    expect(await stop()).toBe(0);
  });

  it('has a route handler of Next.js that works', async () => {
    // What the page leaves to the reader, and a program that calls the handlers as Next.js does.
    const folder = await written('nextjs.md', {
      'lib/user.ts':
        "export const userOf = async (request: Request) => request.headers.get('x-test-user') ?? undefined;\n",
      'run.ts': `
        import { createStore, generateKeyFile, keyFile } from 'securestore';
        await generateKeyFile('./vault.key');
        await (await createStore('sqlite:./vault.db', { unlock: keyFile('./vault.key') })).close();
        const { GET, PUT } = await import('./app/api/settings/[name]/route.ts');
        const { vault } = await import('@/lib/vault');
        const ask = async (handle: typeof GET, name: string, init: RequestInit & { user?: string } = {}) => {
          const headers = { ...init.headers, ...('user' in init ? {} : { 'x-test-user': 'ada' }) };
          const request = new Request('http://localhost/api/settings/' + name, { ...init, headers });
          return handle(request, { params: Promise.resolve({ name }) });
        };
        const put = (body: unknown, headers = {}) => ask(PUT, 'theme', { method: 'PUT', body: JSON.stringify(body), headers });
        const first = await put({ dark: true });
        const found = await ask(GET, 'theme');
        const change = { 'if-match': first.headers.get('etag') ?? '' };
        console.log(JSON.stringify([
          first.status,
          found.headers.get('etag') === first.headers.get('etag'),
          await found.json(),
          (await put({ dark: false }, change)).status,
          (await put({ dark: false }, change)).status,
          (await ask(GET, 'none')).status,
          (await ask(GET, '../bob')).status,
          (await ask(GET, 'theme', { user: undefined })).status,
        ]));
        await (await vault()).close();
      `,
    });
    const printed = await printedBy('run.ts', folder);
    expect(JSON.parse(printed)).toEqual([204, true, { dark: true }, 204, 412, 404, 400, 401]);
  });
});
