import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { readFile } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Sandbox } from './support/cli.ts';
import { sandbox } from './support/cli.ts';

async function tokenFor(box: Sandbox, principal: string, template: string): Promise<string> {
  await box.run(['role', 'add', template, '--template', template]);
  await box.run(['grant', principal, template, '--yes']);
  const { stdout } = await box.run(['token', 'new', principal, '--json']);
  return (JSON.parse(stdout) as { token: string }).token;
}

interface Serving {
  readonly url: string;
  /** Ends it as a system does. */
  readonly stop: () => Promise<{
    readonly exitCode: number | null;
    readonly lines: readonly string[];
    readonly stderr: string;
  }>;
}

async function serving(box: Sandbox, args: readonly string[] = []): Promise<Serving> {
  const child = box.start(['serve', '--port', '0', '--json', ...args]);
  onTestFinished(() => void child.kill('SIGKILL'));
  if (child.stdout === null || child.stderr === null) throw new Error('there is nothing to read');
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += String(chunk)));
  const lines: string[] = [];
  const reader = createInterface(child.stdout);
  reader.on('line', (line) => lines.push(line));
  const first = await Promise.race([
    once(reader, 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error(stderr))),
  ]);
  const { serving: url } = JSON.parse(String(first[0])) as { serving: string };
  const stop = async (): Promise<Awaited<ReturnType<Serving['stop']>>> => {
    child.kill('SIGTERM');
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    return { exitCode, lines, stderr };
  };
  return { url, stop };
}

describe('serve', () => {
  it('serves the store to whoever has a token, and ends in peace', async () => {
    const box = await sandbox();
    await box.seed({ 'db/prod/password': 's3cr3t' });
    const token = await tokenFor(box, 'ann', 'writer');
    const server = await serving(box, ['--log-requests']);
    const env = { SECURESTORE_URL: server.url, SECURESTORE_TOKEN: token };
    expect((await box.run(['get', 'db/prod/password'], { env })).stdout).toBe('s3cr3t');
    expect((await box.run(['put', 'db/new'], { env, input: 'n3w' })).exitCode).toBe(0);
    expect((await box.run(['ls', 'db/'], { env })).stdout).toBe('db/new\ndb/prod/password\n');
    // A writer may not, and nobody without a token.
    expect((await box.run(['purge', 'db/new', '--yes'], { env })).exitCode).toBe(4);
    const wrong = { ...env, SECURESTORE_TOKEN: `${token.slice(0, -1)}x` };
    expect(await box.run(['get', 'db/new'], { env: wrong })).toMatchObject({ exitCode: 4, stdout: '' });
    // Administration is decided about too, and what takes the secret of the store is not for here.
    expect((await box.run(['slots'], { env })).exitCode).toBe(4);
    const rotate = await box.run(['rotate', '--new-passphrase-file', 'none'], { env });
    expect(rotate.exitCode).toBe(2);
    expect(rotate.stderr).toContain('not over a server');
    const { exitCode, lines, stderr } = await server.stop();
    expect(exitCode).toBe(0);
    const requests = lines.slice(1).map((line) => JSON.parse(line) as { route: string; status: number });
    expect(requests).toContainEqual(
      expect.objectContaining({ route: '/v1/objects/{key}', status: 200, principal: 'ann' }),
    );
    for (const secret of [token, 's3cr3t', 'n3w', 'password'])
      expect(`${lines.join('\n')}${stderr}`).not.toContain(secret);
    expect((await box.run(['get', 'db/new'])).stdout).toBe('n3w');
  });

  it('says what is not to be had from a server', async () => {
    const box = await sandbox();
    const token = await tokenFor(box, 'ann', 'administrator');
    const server = await serving(box);
    const env = { SECURESTORE_URL: server.url, SECURESTORE_TOKEN: token };
    for (const args of [['audit'], ['audit', 'tail'], ['backup', 'file:elsewhere', '--follow']]) {
      const { exitCode, stderr } = await box.run(args, { env });
      expect(stderr).toContain('not to be had from a server');
      expect(exitCode).toBe(2);
    }
    expect((await box.run(['role'], { env })).exitCode).toBe(0);
    expect((await box.run(['keys'], { env })).stdout).toContain('default');
    expect((await server.stop()).exitCode).toBe(0);
  });

  it('tells who may not ask after the health of a store just that', async () => {
    const box = await sandbox();
    const token = await tokenFor(box, 'ann', 'writer');
    const server = await serving(box);
    const { exitCode, stdout, stderr } = await box.run(['health'], {
      env: { SECURESTORE_URL: server.url, SECURESTORE_TOKEN: token },
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: '' });
    expect(stderr).toContain('not allowed');
    expect((await server.stop()).exitCode).toBe(0);
  });

  it('plans a restore over a server', async () => {
    const box = await sandbox();
    const token = await tokenFor(box, 'ann', 'administrator');
    await box.seed({ k: 'value' });
    await box.run(['backup', 'file:./backups']);
    const server = await serving(box);
    const env = { SECURESTORE_URL: server.url, SECURESTORE_TOKEN: token };
    const planned = await box.run(['restore', 'file:./backups', '--dry-run', '--prefix', 'k'], { env });
    expect(planned.stderr).not.toContain('onObject');
    expect(planned.exitCode).toBe(0);
    expect((await server.stop()).exitCode).toBe(0);
  });

  it('takes a token from the credentials of a service', async () => {
    const box = await sandbox();
    const token = await tokenFor(box, 'ann', 'writer');
    const server = await serving(box);
    const credentials = await sandbox('none');
    const { writeFile } = await import('node:fs/promises');
    await writeFile(credentials.path('securestore-token'), `${token}\n`);
    const env = { SECURESTORE_URL: server.url, CREDENTIALS_DIRECTORY: credentials.path() };
    expect((await box.run(['put', 'k'], { env, input: 'x' })).exitCode).toBe(0);
    expect((await server.stop()).exitCode).toBe(0);
  });

  it.each([
    [['--host', '0.0.0.0'], '--tls-cert FILE'],
    [['--store', 'http://127.0.0.1:1'], 'the location where it lies'],
    [['--tls-cert', 'x.pem'], '--tls-key'],
    [['--limit', 'nonsense=1'], 'nonsense'],
    [['--limit', 'concurrency'], 'NAME=NUMBER'],
    [['--port', 'http'], '--port'],
    [['--oidc', 'none.json'], 'none.json'],
  ])('refuses %j', async (args, named) => {
    const box = await sandbox();
    const { exitCode, stderr } = await box.run(['serve', ...args]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(named);
  });

  it('refuses a token where it would bind nobody', async () => {
    const box = await sandbox();
    const { exitCode, stderr } = await box.run(['ls'], { env: { SECURESTORE_TOKEN: 'sst_x' } });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('bind nobody');
    expect((await box.run(['ls', '--token', 'x'])).exitCode).toBe(2);
    expect((await readFile(box.path('vault'))).length).toBeGreaterThan(0);
  });
});
