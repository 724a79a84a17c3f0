import { execFile } from 'node:child_process';
import { glob, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openRemoteStore } from '@securestore/client';
import { commandLine } from '@securestore/protocol';
import type { CommandRequest } from '@securestore/protocol';
import { addPrincipal, generateIdentity, grantRole, recipientOf, setApprovals, setRole } from 'securestore';
import type { RemoteStore } from 'securestore';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TestContext } from 'vitest';
import type { Sandbox } from './support/cli.ts';
import { COMMAND, jsonLines, sandbox } from './support/cli.ts';
import { runIn } from './support/in-process.ts';
import { serving } from './support/serving.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

/** Names that a shell, or the command, could take for something else. */
const ODD = [
  "it's",
  'two words',
  '$HOME',
  '`id`',
  '"quoted"',
  '-dash',
  '--store',
  '*',
  '~',
  'a;b',
  'ü/ß',
  '!x',
  '\\n',
  '#',
];

interface Scene {
  readonly box: Sandbox;
  readonly url: string;
  readonly place: string;
  readonly store: RemoteStore;
  readonly env: Readonly<Record<string, string>>;
  readonly auditor: string;
}

let scene: Scene;

beforeAll(async () => {
  const ends: (() => unknown)[] = [];
  const later: TestContext['onTestFinished'] = (end) => void ends.push(end as () => unknown);
  const box = await sandbox('sqlite', later);
  await box.seed(Object.fromEntries([...ODD, 'db/a', 'db/b'].map((key) => [key, `then ${key}`])));
  await box.run(['role', 'add', 'all', '--template', 'administrator']);
  await box.run(['grant', 'ann', 'all', '--yes']);
  const { token } = JSON.parse((await box.run(['token', 'new', 'ann', '--json'])).stdout) as { token: string };
  const identity = generateIdentity();
  const auditor = await recipientOf(identity);
  await writeFile(box.path('auditor.txt'), identity, { mode: 0o600 });
  await box.run(['audit', 'on', '--auditor', auditor, '--fail-closed']);
  const place = `file:${box.path('backups')}`;
  await box.run(['backup', place]);
  await box.seed({ 'db/a': 'now' });
  await box.run(['rm', 'db/b']);
  const { url } = await serving(box, [], later);
  const store = await openRemoteStore(url, { credentials: { token } });
  scene = { box, url, place, store, auditor, env: { ...box.env, SECURESTORE_TOKEN: token } };
  return async () => {
    await store.close();
    for (const end of ends.toReversed()) await end();
  };
}, 120_000);

/** Runs a line as a person would who has copied it. */
async function shell(line: string, token?: string): Promise<{ readonly stdout: string; readonly code: number }> {
  const { box, env } = scene;
  const command = COMMAND.map((part) => `'${part}'`).join(' ');
  const script = `securestore() { ${LONG ? command : "printf '%s\\0'"} "$@"; }\n${line}`;
  const options = {
    cwd: box.path(),
    env: { ...env, ...(token !== undefined && { SECURESTORE_TOKEN: token }), CREDENTIALS_DIRECTORY: undefined },
  };
  if (!LONG) {
    // What the shell makes of the line, without the start of a process.
    const words = (await promisify(execFile)('bash', ['-c', script], options)).stdout.split('\0').slice(0, -1);
    const { CREDENTIALS_DIRECTORY: _none, ...surroundings } = options.env;
    const { exitCode, stdout, stderr } = await runIn(box.path(), words, { env: surroundings, input: '' });
    return { stdout: exitCode === 0 ? stdout : `${stdout}${stderr}`, code: exitCode ?? -1 };
  }
  try {
    return { stdout: (await promisify(execFile)('bash', ['-c', script], options)).stdout, code: 0 };
  } catch (error) {
    const { stdout, code, stderr } = error as { stdout: string; code: number; stderr: string };
    return { stdout: `${stdout}${stderr}`, code };
  }
}

/** The result of the command of what is asked for, in JSON lines. */
async function told(request: CommandRequest, token?: string): Promise<unknown[]> {
  const line = commandLine(request, { store: scene.url });
  const { stdout, code } = await shell(line.replace(' --store', ' --json --store'), token);
  expect(code, `${line}\n${stdout}`).toBe(0);
  return jsonLines(stdout);
}

const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

describe('the command that the console shows', () => {
  it('tells what the console is told', async () => {
    const { store, place } = scene;
    const moment = { destination: place, snapshot: 1 };
    expect(await told({ type: 'browse', ...moment, prefix: 'db/' })).toEqual(
      sent((await store.recoveryPoints.browse({ ...moment, prefix: 'db/' })).entries),
    );
    expect(await told({ type: 'browse', prefix: 'db/' })).toEqual(
      sent((await store.recoveryPoints.browse({ prefix: 'db/' })).entries),
    );
    expect(await told({ type: 'find', contains: 'DB/', ...moment })).toEqual(
      sent((await store.recoveryPoints.find({ ...moment, contains: 'DB/' })).keys),
    );
    const { differences } = await store.recoveryPoints.compare({ destination: place, from: { snapshot: 1 } });
    expect(await told({ type: 'compare', destination: place, from: { snapshot: 1 } })).toEqual([
      ...(sent(differences) as object[]),
      { summary: { added: 0, removed: 1, changed: 1 } },
    ]);
    const { versions } = await store.recoveryPoints.versions('db/a', { destination: place });
    expect(await told({ type: 'versions', key: 'db/a', destination: place })).toEqual(
      sent(versions.map((version) => ({ key: 'db/a', ...version }))),
    );
    expect(await told({ type: 'snapshots', destination: place })).toEqual(sent(await store.backups.list(place)));
    expect(await told({ type: 'destinations' })).toMatchObject([{ url: place }]);
  }, 120_000);

  it('shows the entries of the audit log, and not only whether there are any', async () => {
    const { store } = scene;
    await store.retrieve('db/a');
    const entries = await told({ type: 'audit' });
    expect(entries).toContainEqual(expect.objectContaining({ action: 'read', principal: 'ann' }));
    const about = await told({ type: 'audit', object: 'db/a' });
    expect(about).toContainEqual(expect.objectContaining({ action: 'read' }));
    expect(about.length).toBeLessThan(entries.length);
  }, 120_000);

  it('decides about requests of others', async () => {
    const { store } = scene;
    await store.access.change([
      setRole('purger', [{ effect: 'allow', actions: ['purge'] }]),
      addPrincipal('pam', 'user'),
      grantRole('pam', 'purger'),
      setApprovals([{ actions: ['purge'] }]),
    ]);
    const { token } = await store.access.createToken('pam');
    await using theirs = await openRemoteStore(scene.url, { credentials: { token } });
    for (const [type, state] of [
      ['approve', 'approved'],
      ['deny', 'denied'],
    ] as const) {
      const { id } = await theirs.approvals.request('purge', type === 'approve' ? 'db/a' : 'two words');
      expect(await told({ type: 'approvals' })).toContainEqual(expect.objectContaining({ id, state: 'waiting' }));
      const line = commandLine({ type, id }, { store: scene.url });
      const { stdout, code } = await shell(line);
      expect(code, `${line}\n${stdout}`).toBe(0);
      expect(await told({ type: 'approvals' })).toContainEqual(expect.objectContaining({ id, state }));
    }
  }, 120_000);

  it('shows what can be restored to whoever may look at it alone, as the console does', async () => {
    const { place, store } = scene;
    await store.access.change([
      setRole('viewer', [{ effect: 'allow', actions: ['backup.view', 'list', 'history'] }]),
      addPrincipal('vic', 'user'),
      grantRole('vic', 'viewer'),
    ]);
    const { token } = await store.access.createToken('vic');
    expect(await told({ type: 'snapshots', destination: place }, token)).toEqual(sent(await store.backups.list(place)));
    const windows = await told({ type: 'snapshots', destination: place, windows: true }, token);
    expect(windows.slice(0, -1)).toEqual(sent(await store.backups.windows(place)));
  }, 120_000);

  it('is one that the command line has, of every kind', async () => {
    const { place } = scene;
    const lines = (
      [
        { type: 'get', key: 'db/a' },
        { type: 'info', key: 'db/a' },
        { type: 'history', key: 'db/a' },
        { type: 'health' },
        { type: 'keys' },
        { type: 'audit-examine' },
        { type: 'schedules' },
        { type: 'backup', destination: place },
        { type: 'verify-backup', destination: place },
        { type: 'drill', destination: place },
        { type: 'download', destination: place, prefix: 'db/' },
      ] as const satisfies CommandRequest[]
    ).map((request) => commandLine(request, { store: scene.url }));
    for (const line of lines) {
      const { stdout, code } = await shell(line);
      expect(code, `${line}\n${stdout}`).toBe(0);
    }
  }, 120_000);

  it.each(ODD)(
    'means the object %j, and no other',
    async (key) => {
      const { place } = scene;
      const value = await shell(
        commandLine({ type: 'value', destination: place, snapshot: 1, key }, { store: scene.url }),
      );
      expect(value).toEqual({ stdout: `then ${key}`, code: 0 });
      const found = await told({ type: 'find', contains: key, destination: place, snapshot: 1 });
      expect(found).toContainEqual(expect.objectContaining({ key }));
    },
    120_000,
  );

  it('means all the objects that were chosen', async () => {
    const { place } = scene;
    const plan = await told({
      type: 'restore',
      destination: place,
      snapshot: 1,
      keys: ODD,
      conflict: 'skip',
      dryRun: true,
    });
    expect(plan.at(-1)).toMatchObject({ summary: { dryRun: true, unchanged: ODD.length, compared: ODD.length } });
  }, 120_000);

  it.runIf(LONG)(
    onlyLong('restores what the console would'),
    async () => {
      const { box, store, place } = scene;
      const request = {
        type: 'restore',
        destination: place,
        snapshot: 1,
        prefix: 'db/',
        conflict: 'overwrite',
        verify: true,
      } as const;
      const line = `${commandLine(request, { store: scene.url })} --yes --receipt receipt.json`;
      const { stdout, code } = await shell(line);
      expect(code, stdout).toBe(0);
      expect((await store.retrieve('db/a')).text()).toBe('then db/a');
      const receipt = await box.run(['receipt', 'receipt.json', '--json']);
      expect(JSON.parse(receipt.stdout)).toMatchObject({
        summary: { of: 'restore', by: 'ann', created: 1, replaced: 1, verified: 2 },
      });
      const copied = await shell(commandLine({ type: 'receipt', file: 'receipt.json' }, { store: scene.url }));
      expect(copied).toMatchObject({ code: 0, stdout: expect.stringContaining('by ann') });
      const elsewhere = await box.run(['receipt', 'receipt.json', '--fingerprint', store.fingerprint]);
      expect(elsewhere).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('by ann') });
      const forged = (await readFile(box.path('receipt.json'), 'utf8')).replace('ann', 'eve');
      await writeFile(box.path('forged.json'), forged);
      expect((await box.run(['receipt', 'forged.json'])).exitCode).toBe(5);
      await writeFile(box.path('none.json'), '{}');
      expect((await box.run(['receipt', 'none.json'])).exitCode).toBe(2);
      const folder = await shell(
        commandLine({ type: 'download', destination: place, snapshot: 1, prefix: 'db/' }, { store: scene.url }),
      );
      expect(folder.code, folder.stdout).toBe(0);
      expect(
        await readFile(box.path('restored', 'b'), 'utf8').catch(() =>
          readFile(box.path('restored', 'db', 'b'), 'utf8'),
        ),
      ).toBe('then db/b');
      const to = `file:${box.path('anew')}`;
      const anew = await shell(
        commandLine({ type: 'restore', destination: place, snapshot: 1, to }, { store: scene.url }),
      );
      expect(anew.code, anew.stdout).toBe(0);
      expect((await box.run(['get', 'db/b', '--store', to])).stdout).toBe('then db/b');
    },
    120_000,
  );

  it.runIf(LONG)(
    onlyLong('tells in the order of names, however many pages that takes'),
    async () => {
      const { place, store } = scene;
      const keys = Array.from({ length: 620 }, (_, at) => `many/${(at * 7919) % 620}`);
      await store.storeMany(keys.map((key) => ({ key, data: 'x' })));
      const inOrder = keys.toSorted();
      const { stdout } = await shell(
        commandLine(
          { type: 'compare', destination: place, from: { snapshot: 1 }, prefix: 'many/' },
          { store: scene.url },
        ),
      );
      expect(stdout.trim().split('\n').slice(0, -1)).toEqual(inOrder.map((key) => `+ ${key}`));
      expect((await told({ type: 'find', contains: 'many/' })).map((one) => (one as { key: string }).key)).toEqual(
        inOrder,
      );
    },
    120_000,
  );

  it(`is right in the text of the pages${LONG ? ', and in the advice of the overview' : ''}`, async () => {
    const { box, place, auditor } = scene;
    const found = new Set<string>();
    const root = fileURLToPath(new URL('../../', import.meta.url));
    const advice = ['health/src/**/*.ts', 'backup/src/watch/*.ts'];
    for await (const name of glob(['console/src/pages/**/*.tsx', ...(LONG ? advice : [])], { cwd: root })) {
      const source = await readFile(`${root}${name}`, 'utf8');
      const inText = name.endsWith('.tsx') ? /<code>(securestore [^<]+)<\/code>/g : /"(securestore [^"]+)"/g;
      for (const [, line = ''] of source.matchAll(inText)) found.add(line);
    }
    expect(found.size).toBeGreaterThan(LONG ? 12 : 4);
    const other = `file:${box.path('other')}`;
    if (LONG) await box.run(['backup', other]);
    const given: Readonly<Record<string, string>> = {
      KEY: 'db/a',
      '<key>': 'db/a',
      NAME: 'nightly',
      PRINCIPAL: 'ann',
      DESTINATION: place,
      '<backup>': place,
      '<url>': other,
      '<new url>': 'sqlite:./again',
      '<this store>': 'sqlite:./vault',
      TIMES: '@daily',
      FILE: box.path('auditor.txt'),
      RECIPIENT: auditor,
    };
    /** No job was interrupted here, and of "the same" command the operands are left to the person. */
    const idle: Readonly<Record<string, string>> = {
      'securestore migrate': 'migrate needs the URL of the target [INVALID_ARGUMENT]',
      'securestore migrate <this store> --cancel': 'the store is not being migrated',
      'securestore restore':
        'restore needs a source: the destination of a backup, such as file:/backup [INVALID_ARGUMENT]',
      'securestore rotate --resume': 'unfinished job rotation does not exist',
    };
    const wrong: string[] = [];
    for (const line of [...found].toSorted()) {
      const words = line.replaceAll(/<[^>]+>|\b[A-Z]{3,}\b/g, (word) => given[word] ?? word).split(' ');
      const { exitCode, stderr } = await box.run([...words.slice(1), '--yes']);
      const isIdle = stderr.includes(idle[line] ?? '\0');
      if (exitCode !== 0 && !isIdle) wrong.push(`${line}: ${stderr}`);
    }
    expect(wrong).toEqual([]);
  }, 120_000);
});
