import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { authority, NO_OPENSSL } from '../../../server/test/support/certificates.ts';
import type { Sandbox } from '../support/cli.ts';
import { COMMAND, sandbox } from '../support/cli.ts';
import { runHere } from '../support/in-process.ts';
import { serving, servingApart } from '../support/serving.ts';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';

async function tokenFor(box: Sandbox, principal: string, template: string): Promise<string> {
  await box.run(['role', 'add', template, '--template', template]);
  await box.run(['grant', principal, template, '--yes']);
  const { stdout } = await box.run(['token', 'new', principal, '--json']);
  return (JSON.parse(stdout) as { token: string }).token;
}

/** The folder of the guide. */
const PAGES = new URL('../../../../docs/run/server/', import.meta.url);
/** How to start a server, and how to use it from elsewhere. */
const START = await readFile(new URL('start.md', PAGES), 'utf8');
/** The table of all options. */
const OPTIONS = await readFile(new URL('../../reference/server-options.md', PAGES), 'utf8');
const GUIDE = (
  await Promise.all(
    (await readdir(PAGES)).filter((name) => name.endsWith('.md')).map((name) => readFile(new URL(name, PAGES), 'utf8')),
  )
).join('\n');
const NO_CURL =
  spawnSync('curl', ['--version']).status === 0 ? undefined : 'there is no curl here to run the guide with';

/** Runs lines of the guide as they stand there. */
async function shell(box: Sandbox, lines: string): Promise<string> {
  const command = COMMAND.map((part) => `'${part}'`).join(' ');
  const script = `set -eu\nsecurestore() { ${command} "$@"; }\n${lines}`;
  return (await promisify(execFile)('bash', ['-c', script], { cwd: box.path(), env: box.env })).stdout;
}

const tokenHint = (source: string): string =>
  `hint: the token of ${source} was refused; ask an administrator of the store for a new one\n`;

describe('the guide', () => {
  it.skipIf(NO_CURL !== undefined)(`has commands that run${NO_CURL === undefined ? '' : ` (${NO_CURL})`}`, async () => {
    const [start = '', elsewhere = ''] = [...START.matchAll(/^```sh\n([^]*?)^```/gm)].map(([, block]) => block ?? '');
    const box = await sandbox();
    // It runs until it is stopped, and is started below.
    const prepared = await shell(box, start.replace(/^securestore serve .*$/m, ''));
    const [token = ''] = /sst_\S+/.exec(prepared) ?? [];
    const { url } = await serving(box);
    await writeFile(box.path('image.txt'), 'v7;');
    expect(elsewhere).toContain('SECURESTORE_URL=https://vault.example.com SECURESTORE_TOKEN=sst_…');
    const used = elsewhere.replace('https://vault.example.com', url).replace('sst_…', token);
    expect(await shell(box, `unset CREDENTIALS_DIRECTORY\n${used}`)).toMatch(/^stored deploy\/image.*\nv7;v7;$/);
  });

  it('names options of serve that there are', async () => {
    const [own, common] = [await runHere(['help', 'serve']), await runHere(['help', 'options'])];
    const help = own.stdout + common.stdout;
    const commands = GUIDE.matchAll(/^(?:.*(?:securestore|"serve",).*|`--.*)$/gm);
    for (const [line] of commands) {
      if (!/\bserve\b/.test(line)) continue;
      for (const [option] of line.matchAll(/--[a-z][a-z-]+/g)) expect(help, line).toContain(option);
    }
  });

  it('and so does the page of its options, which has all of them', async () => {
    const { stdout } = await runHere(['help', 'serve']);
    const all = [...stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option = '']) => option);
    const [, table = ''] = /^## Options$([^]*?)^## Limits$/m.exec(OPTIONS) ?? [];
    const named = new Set([...table.matchAll(/--[a-z][a-z-]+/g)].map(([option]) => option));
    expect([...named].toSorted()).toEqual(all.toSorted());
  });
});

describe('serve', () => {
  it('serves the store to whoever has a token, and ends in peace', async () => {
    const box = await sandbox();
    await box.seed({ 'db/prod/password': 's3cr3t' });
    const token = await tokenFor(box, 'ann', 'writer');
    const server = await servingApart(box, ['--log-requests']);
    const env = { SECURESTORE_URL: server.url, SECURESTORE_TOKEN: token };
    expect((await box.run(['get', 'db/prod/password'], { env })).stdout).toBe('s3cr3t');
    expect((await box.run(['put', 'db/new'], { env, input: 'n3w-s3cr3t' })).exitCode).toBe(0);
    expect((await box.run(['ls', 'db/'], { env })).stdout).toBe('db/new\ndb/prod/password\n');
    // A writer may not, and nobody without a token.
    expect((await box.run(['purge', 'db/new', '--yes'], { env })).exitCode).toBe(4);
    const wrong = { ...env, SECURESTORE_TOKEN: `${token.slice(0, -1)}x` };
    expect(await box.run(['get', 'db/new'], { env: wrong })).toMatchObject({ exitCode: 4, stdout: '' });
    // Administration is decided about too, and what takes the secret of the store is not for here.
    expect((await box.run(['slot', 'list'], { env })).exitCode).toBe(4);
    const rotate = await box.run(['rotate', '--new-passphrase-file', 'none'], { env });
    expect(rotate.exitCode).toBe(2);
    expect(rotate.stderr).toMatch(
      /^error: securestore rotate does not work on a remote store: it needs an unlock secret of the store \[UNSUPPORTED\]\nhint: run it where the store is unlocked/,
    );
    const { exitCode, lines, stderr } = await server.stop();
    expect(exitCode).toBe(0);
    const requests = lines.slice(1).map((line) => JSON.parse(line) as { route: string; status: number });
    expect(requests).toContainEqual(
      expect.objectContaining({ route: '/v1/objects/{key}', status: 200, principal: 'ann' }),
    );
    for (const secret of [token, 's3cr3t', 'n3w-s3cr3t', 'password'])
      expect(`${lines.join('\n')}${stderr}`).not.toContain(secret);
    expect((await box.run(['get', 'db/new'])).stdout).toBe('n3w-s3cr3t');
  });

  it.runIf(LONG)(onlyLong('tells who may not ask after the health of a store just that'), async () => {
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

  it.runIf(LONG)(onlyLong('plans a restore over a server'), async () => {
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

  it('says what to do where something between here and the server ends long work', async () => {
    const cutting = createServer((request, response) => {
      if (request.method === 'GET') {
        response.setHeader('content-type', 'application/json');
        return void response.end('{"fingerprint":"x","principal":"ann"}');
      }
      response.setHeader('content-type', 'text/event-stream');
      return void response.end('event: job\ndata: {"id":"scrub"}\n\n');
    });
    cutting.listen(0, '127.0.0.1');
    await once(cutting, 'listening');
    onTestFinished(() => void cutting.close());
    const { port } = cutting.address() as AddressInfo;
    const env = { SECURESTORE_URL: `http://127.0.0.1:${port}`, SECURESTORE_TOKEN: 'sst_x' };
    const { exitCode, stderr } = await runHere(['scrub'], { env });
    expect(exitCode).toBe(7);
    expect(stderr).toMatch(/The job may still run there\. .*\nhint: to list the jobs: securestore job list\n/s);
    expect(stderr).not.toContain('jobs.list');
  });

  it.runIf(LONG)(onlyLong('takes a token from the credentials of a service'), async () => {
    const box = await sandbox();
    const token = await tokenFor(box, 'ann', 'writer');
    const server = await serving(box);
    const credentials = await sandbox('none');
    await writeFile(credentials.path('securestore-token'), `${token}\n`, { mode: 0o600 });
    const env = { SECURESTORE_URL: server.url, CREDENTIALS_DIRECTORY: credentials.path() };
    expect((await box.run(['put', 'k'], { env, input: 'x' })).exitCode).toBe(0);
    expect((await server.stop()).exitCode).toBe(0);
  });

  it.skipIf(NO_OPENSSL !== undefined)('is used by a certificate in the place of a token', async () => {
    const box = await sandbox();
    const ca = authority();
    const files = { server: ca.sign('/CN=server'), own: ca.sign('/CN=batch'), other: ca.sign('/CN=batch') };
    await writeFile(box.path('ca.pem'), ca.cert);
    for (const [name, { cert, key }] of Object.entries(files)) {
      await writeFile(box.path(`${name}.pem`), cert);
      await writeFile(box.path(`${name}.key`), key);
    }
    await box.run(['role', 'add', 'everything', '--allow', '*']);
    await box.run(['grant', 'tls:batch', 'everything', '--service']);
    const [cert, key, clients] = [box.path('server.pem'), box.path('server.key'), box.path('ca.pem')];
    const tls = ['--tls-cert', cert, '--tls-key', key, '--tls-client-ca', clients];
    const { url } = await serving(box, tls);
    const env = { SECURESTORE_URL: url };
    const own = ['--tls-cert', 'own.pem', '--tls-key', 'own.key'];
    const put = await box.run(['put', 'k', ...own, '--tls-ca', 'ca.pem'], { env, input: 'value' });
    expect(put, put.stderr).toMatchObject({ exitCode: 0 });
    const variables = {
      SECURESTORE_TLS_CERT: box.path('own.pem'),
      SECURESTORE_TLS_KEY: box.path('own.key'),
      SECURESTORE_TLS_CA: box.path('ca.pem'),
    };
    expect((await box.run(['get', 'k'], { env: { ...env, ...variables } })).stdout).toBe('value');
    await writeFile(box.path('no.pem'), 'ca.pem', { mode: 0o600 });
    for (const [args, said] of [
      [own, '--tls-ca FILE'],
      [['--tls-ca', 'ca.pem'], '--tls-cert FILE and --tls-key FILE'],
      [['--tls-ca', 'ca.pem', '--tls-cert', 'own.pem'], '--tls-cert and --tls-key must be given together'],
      [[...own, '--tls-ca', 'none.pem'], 'none.pem'],
      [
        [...own, '--tls-ca', 'no.pem'],
        'error: the file of --tls-ca must have PEM in it, and not the path of a file [INVALID_ARGUMENT]\n',
      ],
      [
        ['--tls-ca', 'ca.pem', '--tls-cert', 'own.pem', '--tls-key', 'other.key'],
        'error: the file of --tls-key must be the key of the certificate [INVALID_ARGUMENT]\n',
      ],
      [
        ['--tls-ca', 'ca.pem', '--tls-cert', 'own.key', '--tls-key', 'own.key'],
        'the file of --tls-cert must have a certificate',
      ],
    ] as const) {
      const { exitCode, stderr } = await box.run(['get', 'k', ...args], { env });
      expect(stderr).toContain(said);
      expect([2, 7]).toContain(exitCode);
    }
    // With a store that is unlocked here it would bind nobody.
    expect((await box.run(['get', 'k', ...own])).exitCode).toBe(2);
  });

  it.each([
    [['--host', '0.0.0.0'], '--tls-cert FILE'],
    [['--store', 'http://127.0.0.1:1'], 'a remote store cannot be served again'],
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

  it.each([
    [{ SECURESTORE_TOKEN: 'sst_a b' }, '$SECURESTORE_TOKEN must hold a token'],
    [{ SECURESTORE_TOKEN: '' }, '$SECURESTORE_TOKEN is set but empty'],
    [{}, 'hint: set $SECURESTORE_TOKEN, or give --tls-cert FILE'],
    [{ SECURESTORE_TOKEN: 'x', SECURESTORE_URL: 'https://ann:s3cr3t@127.0.0.1:9' }, 'hint: set $SECURESTORE_TOKEN'],
    [{ SECURESTORE_TOKEN: 'x', SECURESTORE_URL: 'http://vault.example.com' }, 'must begin with https:'],
    [{ SECURESTORE_TOKEN: 'x', SECURESTORE_URL: 'https://127.0.0.1:9/path' }, 'must be scheme, host and port'],
  ])('refuses to ask a server by %j', async (env, said) => {
    const { exitCode, stderr } = await runHere(['ls'], { env: { SECURESTORE_URL: 'http://127.0.0.1:9', ...env } });
    expect(exitCode).toBe(2);
    expect(stderr).toContain(said);
    expect(stderr).not.toMatch(/s3cr3t|credentials:|a b/);
  });

  it('says which token was refused', async () => {
    const box = await sandbox();
    const { url } = await serving(box);
    const env = { SECURESTORE_URL: url, SECURESTORE_TOKEN: 'sst_x' };
    const refused = await runHere(['ls'], { env });
    expect(refused).toMatchObject({ exitCode: 4, stdout: '' });
    expect(refused.stderr).toMatch(/^error: .* \[UNAUTHENTICATED\]\nhint: [^\n]*\n$/);
    expect(refused.stderr).toContain(tokenHint('$SECURESTORE_TOKEN'));
    expect((await runHere(['ls', '--token', 'sst_y'], { env })).stderr).toContain(tokenHint('--token'));
  });

  it('says how to listen elsewhere, and that it has no TLS', async () => {
    const box = await sandbox();
    const { url } = await serving(box);
    const { port } = new URL(url);
    const taken = await box.run(['serve', '--port', port]);
    expect(taken.exitCode).toBe(7);
    expect(taken.stderr).toContain('hint: give another port by --port, or --port 0 for any free one\n');
    const env = { SECURESTORE_URL: url.replace('http:', 'https:'), SECURESTORE_TOKEN: 'sst_x' };
    const secure = await runHere(['ls'], { env });
    expect(secure.stderr).toContain('does not use TLS');
    expect(secure.stderr).toContain(`hint: give a store URL such as ${url}\n`);
  });

  it('takes no file for a token', async () => {
    const box = await sandbox('none');
    const file = box.path('ann.tok');
    await writeFile(file, 'sst_x');
    const env = { SECURESTORE_URL: 'http://127.0.0.1:9' };
    const told = `must be the token itself, and is the name of a file [INVALID_ARGUMENT]\nhint: to give the token that the file holds: export SECURESTORE_TOKEN="$(cat ${file})"\n`;
    expect(await runHere(['ls', '--token', file], { env })).toMatchObject({
      exitCode: 2,
      stderr: `error: --token ${told}`,
    });
    const variable = await runHere(['ls'], { env: { ...env, SECURESTORE_TOKEN: file } });
    expect(variable.stderr).toBe(`error: $SECURESTORE_TOKEN ${told}`);
  });

  it('refuses a file about an issuer that is none, and says what is wrong with it', async () => {
    const box = await sandbox();
    const issuer = {
      name: 'corp',
      keys: 'https://login.example.com/jwks',
      issuer: 'https://login.example.com',
      audience: 'vault',
      algorithms: ['RS256'],
    };
    const redirect = 'https://vault.example.com/console/oidc/callback';
    const cases: readonly (readonly [unknown, string])[] = [
      ['no json', 'the file must be JSON'],
      [7, 'the file must hold an object'],
      [{ ...issuer, colour: 'red' }, 'unknown setting "colour"'],
      [{ ...issuer, name: 7 }, 'must be texts'],
      [{ ...issuer, algorithms: 'RS256' }, 'algorithms a list'],
      [{ ...issuer, keys: 'x' }, 'keys must be a URL'],
      [{ ...issuer, console: 7 }, 'console must be an object'],
      [{ ...issuer, console: null }, 'console must be an object'],
      [{ ...issuer, console: { redirect, colour: 'red' } }, 'unknown setting "console.colour"'],
      [{ ...issuer, console: {} }, 'console.redirect must be a text'],
      [{ ...issuer, console: { redirect, title: 7 } }, 'console.title'],
      [{ ...issuer, console: { redirect, scopes: 'groups' } }, 'console.scopes'],
      [{ ...issuer, console: { redirect, clientSecretFile: 7 } }, 'console.clientSecretFile'],
      [{ ...issuer, console: { redirect: 'https://vault.example.com/elsewhere' } }, '/console/oidc/callback'],
    ];
    for (const [content, said] of cases.filter((_one, at) => LONG || at % 3 === 0)) {
      await writeFile(box.path('corp.json'), content === 'no json' ? content : JSON.stringify(content));
      const { exitCode, stderr } = await runHere(['serve', '--port', '0', '--oidc', box.path('corp.json')], {
        env: { ...box.env, SECURESTORE_URL: `sqlite:${box.path('vault')}` },
      });
      expect(exitCode, JSON.stringify(content)).toBe(2);
      expect(stderr, JSON.stringify(content)).toContain(said);
    }
  });

  it('refuses issuers of one name, or of the same tokens, and one that is called as something else is', async () => {
    const box = await sandbox();
    for (const name of ['corp', 'tls', 'api-tokens', 'twin']) {
      const issuer = {
        name,
        keys: 'https://login.example.com/jwks',
        issuer: 'https://login.example.com',
        audience: 'vault',
        algorithms: ['RS256'],
      };
      await writeFile(box.path(`${name}.json`), JSON.stringify(issuer));
    }
    await writeFile(box.path('other.json'), await readFile(box.path('corp.json')));
    const cases: readonly (readonly [string[], string])[] = [
      [['--oidc', 'corp.json', '--oidc', 'other.json'], 'the name "corp" is taken by the issuer in "corp.json"'],
      [['--oidc', 'api-tokens.json'], 'the name "api-tokens" is taken by the tokens of the store'],
      [['--oidc', 'corp.json', '--oidc', 'twin.json'], '"twin.json": "corp.json" has the same issuer and audience'],
      [
        ['--oidc', 'tls.json', '--tls-cert', 'c', '--tls-key', 'k', '--tls-client-ca', 'a'],
        'the name "tls" is taken by client certificates',
      ],
    ];
    for (const [args, said] of cases) {
      // Before a secret is asked for.
      const { exitCode, stderr } = await box.run(['serve', '--port', '0', ...args], {
        env: { SECURESTORE_PASSPHRASE_FILE: 'nowhere' },
      });
      expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(said) });
    }
  });

  it('leaves the console out, also where a file says how people sign in there', async () => {
    const box = await sandbox();
    const corp = {
      name: 'corp',
      keys: 'https://login.example.com/jwks',
      issuer: 'https://login.example.com',
      audience: 'vault',
      algorithms: ['RS256'],
      console: { redirect: 'http://127.0.0.1:8420/console/oidc/callback', title: 'Corp' },
    };
    await writeFile(box.path('corp.json'), JSON.stringify(corp));
    const server = await serving(box, ['--oidc', box.path('corp.json'), '--no-console']);
    expect((await fetch(`${server.url}/console/`)).status).toBe(401);
    expect((await server.stop()).exitCode).toBe(0);
  });

  it('refuses a token where it would bind nobody', async () => {
    const box = await sandbox();
    const { exitCode, stderr } = await box.run(['ls'], { env: { SECURESTORE_TOKEN: 'sst_x' } });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('$SECURESTORE_TOKEN restricts nothing for a store that is unlocked here');
    expect((await box.run(['ls', '--token', 'x'])).exitCode).toBe(2);
    expect((await readFile(box.path('vault'))).length).toBeGreaterThan(0);
  });
});
