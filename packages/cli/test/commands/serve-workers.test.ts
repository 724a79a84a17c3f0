import { readFile, rename, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateKeyFile } from 'securestore';
import { describe, expect, it } from 'vitest';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';
import { authority, NO_OPENSSL } from '../../../server/test/support/certificates.ts';
import { sendTo } from '../../../server/test/support/world.ts';
import type { Sandbox } from '../support/cli.ts';
import { jsonLines, sandbox } from '../support/cli.ts';
import { runHere } from '../support/in-process.ts';
import { servingApart } from '../support/serving.ts';
import type { ServingApart } from '../support/serving.ts';

/** For a busy machine, in milliseconds. */
const PATIENCE = 60_000;
const PASSPHRASE = 'a passphrase that is long enough 42';

async function tokenFor(box: Sandbox, principal: string): Promise<string> {
  await box.run(['role', 'add', 'everything', '--allow', '*']);
  await box.run(['grant', principal, 'everything', '--yes']);
  return (jsonLines((await box.run(['token', 'new', principal, '--json'])).stdout)[0] as { token: string }).token;
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const begun = performance.now(); !(await isSo()); await sleep(50)) {
    if (performance.now() - begun > PATIENCE) throw new Error('waited in vain');
  }
}

/** The processes of the workers that are ready, by their numbers. */
function workersIn({ logged }: ServingApart): ReadonlyMap<number, number> {
  const whole = logged().slice(0, logged().lastIndexOf('\n') + 1);
  const ready = (jsonLines(whole) as { worker?: number; pid?: number }[]).filter(({ pid }) => pid !== undefined);
  return new Map(ready.map(({ worker = 0, pid = 0 }) => [worker, pid]));
}

/** A server with two workers, in processes of their own, until the test has ended. */
async function working(
  box: Sandbox,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ServingApart> {
  const start: Sandbox['start'] = (given) => box.start(given, { env });
  const server = await servingApart({ ...box, start }, args);
  await until(() => workersIn(server).size === 2);
  return server;
}

describe('serve with workers', () => {
  // T-SERVER-07
  it(
    'gives them the secret by a pipe alone, says which of them answered, and replaces one that dies',
    async () => {
      const box = await sandbox();
      await box.seed({ k: 'value' });
      const token = await tokenFor(box, 'ann');
      await writeFile(box.path('passphrase'), PASSPHRASE, { mode: 0o600 });
      const added = await box.run(['slot', 'add', '--new-passphrase-file', 'passphrase']);
      expect(added, added.stderr).toMatchObject({ exitCode: 0 });
      const server = await working(box, ['--log-requests', '--no-console'], {
        SECURESTORE_WORKERS: '2',
        SECURESTORE_PASSPHRASE: PASSPHRASE,
      });
      const env = { SECURESTORE_URL: server.url, SECURESTORE_TOKEN: token };
      expect((await box.run(['get', 'k'], { env })).stdout).toBe('value');
      // Each request has a connection of its own.
      const port = Number(new URL(server.url).port);
      for (let n = 0; n < 4; n++) expect((await sendTo(port, 'GET', '/v1/objects/k', { token })).status).toBe(200);
      const before = workersIn(server);
      if (process.platform === 'linux') {
        for (const pid of before.values()) {
          for (const file of ['environ', 'cmdline'])
            expect(await readFile(`/proc/${pid}/${file}`, 'latin1')).not.toContain(PASSPHRASE);
        }
      }
      process.kill(before.get(1) ?? 0, 'SIGKILL');
      await until(() => workersIn(server).get(1) !== before.get(1));
      expect((await box.run(['put', 'n'], { env, input: 'new' })).exitCode).toBe(0);
      const { exitCode, lines, stderr } = await server.stop();
      expect(exitCode).toBe(0);
      expect(`${lines.join('\n')}${stderr}`).not.toContain(PASSPHRASE);
      const requests = lines.slice(1).map((line) => JSON.parse(line) as { route: string; worker?: number });
      const workersOf = (path: string): Set<number | undefined> =>
        new Set(requests.filter(({ route }) => route === path).map(({ worker }) => worker));
      expect(workersOf('/v1/objects/{key}')).toEqual(new Set([1, 2]));
      // That is answered by the process itself.
      expect(workersOf('/v1/store')).toEqual(new Set([undefined]));
    },
    3 * PATIENCE,
  );

  it.skipIf(NO_OPENSSL !== undefined)(
    `serves by TLS, and knows client certificates in every process${NO_OPENSSL === undefined ? '' : ` (${NO_OPENSSL})`}`,
    async () => {
      const box = await sandbox();
      const ca = authority();
      const [server, own] = [ca.sign('/CN=server'), ca.sign('/CN=batch')];
      await writeFile(box.path('ca.pem'), ca.cert);
      await writeFile(box.path('server.pem'), server.cert);
      await writeFile(box.path('server.key'), server.key, { mode: 0o600 });
      await box.run(['role', 'add', 'everything', '--allow', '*']);
      await box.run(['grant', 'tls:batch', 'everything', '--service']);
      const tls = ['--tls-cert', 'server.pem', '--tls-key', 'server.key', '--tls-client-ca', 'ca.pem'];
      const running = await working(box, ['--workers', '2', ...tls, '--no-console']);
      // Workers that start later get what the server has read, and not what the files have by then.
      await writeFile(box.path('server.key'), 'no key');
      const { port } = new URL(running.url);
      const ask = (method: string, path: string, body = ''): Promise<{ status: number; text: string }> =>
        new Promise((resolve, reject) => {
          const headers = body === '' ? {} : { 'content-type': 'application/octet-stream' };
          const asked = request(
            { host: '127.0.0.1', port, method, path, headers, agent: false, ca: ca.cert, ...own },
            (answer) => {
              let text = '';
              answer.on('data', (chunk) => (text += String(chunk)));
              answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
            },
          );
          asked.on('error', reject);
          asked.end(body);
        });
      for (let n = 0; n < 3; n++) {
        expect(await ask('PUT', '/v1/objects/k', `value ${n}`)).toMatchObject({ status: 200 });
        expect(await ask('GET', '/v1/objects/k')).toEqual({ status: 200, text: `value ${n}` });
        expect((await ask('GET', '/v1/store')).text).toContain('"principal":"tls:batch"');
      }
      const before = workersIn(running);
      process.kill(before.get(2) ?? 0, 'SIGKILL');
      await until(() => workersIn(running).get(2) !== before.get(2));
      for (let n = 0; n < 3; n++) expect(await ask('GET', '/v1/objects/k')).toMatchObject({ status: 200 });
      expect((await running.stop()).exitCode).toBe(0);
    },
    3 * PATIENCE,
  );

  it.each(['0', '-1', '1.5', '1000', '65', 'abc', '', '0x2', '1e1'])('refuses "%s" workers', async (workers) => {
    const box = await sandbox();
    const named = await box.run(['serve', `--workers=${workers}`]);
    expect(named.exitCode).toBe(2);
    expect(named.stderr).toContain('error: --workers must be a whole number from 1 to 64');
    const env = { ...box.env, SECURESTORE_URL: `sqlite:${box.path('vault')}`, SECURESTORE_WORKERS: workers };
    const { exitCode, stderr } = await runHere(['serve'], { env });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/error: \$SECURESTORE_WORKERS (?:must be a whole number from 1 to 64|is set but empty)/);
  });

  it.runIf(LONG)(
    onlyLong('continues in every worker once the file has the new unlock secret, also in one that starts later'),
    async () => {
      const box = await sandbox();
      await box.seed({ k: 'value' });
      const token = await tokenFor(box, 'ann');
      const server = await working(box, ['--workers', '2', '--no-console']);
      const port = Number(new URL(server.url).port);
      const get = async (): Promise<number> => (await sendTo(port, 'GET', '/v1/objects/k', { token })).status;
      // Connections go to the workers in turn.
      const all = async (): Promise<readonly number[]> => [await get(), await get(), await get(), await get()];
      expect(await all()).toEqual([200, 200, 200, 200]);
      const [key, next] = [box.path('credentials', 'securestore-key'), box.path('next.key')];
      await generateKeyFile(next);
      const rotated = await box.run(['rotate', '--new-key-file', next, '--depth', 'unlock']);
      expect(rotated, rotated.stderr).toMatchObject({ exitCode: 0 });
      await until(async () => (await all()).every((status) => status === 423));
      await rename(next, key);
      await until(async () => (await all()).every((status) => status === 200));
      const before = workersIn(server);
      process.kill(before.get(2) ?? 0, 'SIGKILL');
      await until(() => workersIn(server).get(2) !== before.get(2));
      expect(await all()).toEqual([200, 200, 200, 200]);
      expect((await server.stop()).exitCode).toBe(0);
    },
    4 * PATIENCE,
  );

  it.runIf(LONG)(onlyLong('is one process with --workers 1'), async () => {
    const box = await sandbox();
    const server = await servingApart(box, ['--workers', '1', '--no-console']);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    const { stderr } = await server.stop();
    expect(stderr).toBe('');
  });
});
