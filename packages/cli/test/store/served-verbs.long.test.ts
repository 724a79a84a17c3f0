import { writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it, type TestContext } from 'vitest';
import type { ProgramHelp } from '../../src/help/describe.ts';
import { jsonLines, type Result, sandbox, type Sandbox } from '../support/cli.ts';
import { runHere } from '../support/in-process.ts';
import { serving, servingApart } from '../support/serving.ts';

/** One use of a verb, and how it ends for somebody who may do everything, and for somebody who may do nothing. */
interface Use {
  readonly args: readonly string[];
  readonly input?: string;
  /** The exit code; 0 where nothing else is said. */
  readonly all?: number;
  /** For whom nothing is allowed; 4 where nothing else is said. */
  readonly none?: number;
  /** What is said to whoever may do everything, on either stream. */
  readonly says?: RegExp;
}

/** What is refused to everybody, with what to do instead. */
function refused(args: readonly string[], says: RegExp = /run it where the store is unlocked/): Use {
  return { args, all: 2, none: 2, says };
}

const SLOT_OF_A_SERVER =
  /only a new passphrase and --recipient do .*\nhint: give --new-passphrase-file FILE, .*\nhint: run it where the store is unlocked/;

/** Where the backups are: it stands for a store URL in the sandbox. */
const DESTINATION = 'DESTINATION';

/** Every verb. Those at the end change what the others need. */
const USES: Readonly<Record<string, readonly Use[]>> = {
  put: [
    { args: ['put', 'db/user'], input: 'ops' },
    { args: ['put', 'old'], input: 'x' },
  ],
  get: [
    { args: ['get', 'db/user'], says: /^ops$/ },
    { args: ['get', 'none'], all: 3 },
  ],
  info: [{ args: ['info', 'db/user'], says: /db\/user/ }],
  history: [{ args: ['history', 'db/user'] }],
  ls: [
    { args: ['ls'], none: 0, says: /^db\/user\n/ },
    { args: ['ls', '--long'], none: 0, says: /db\/user/ },
  ],
  meta: [
    { args: ['meta', 'set', 'db/user', 'owner=ops'], says: /changed the metadata of db\/user/ },
    { args: ['meta', 'get', 'db/user', 'owner'], says: /^ops$/m },
  ],
  cp: [
    { args: ['cp', 'db/user', 'copy/user'], says: /copied db\/user to copy\/user/ },
    { args: ['cp', 'copy/', 'more/'], none: 3, says: /copied 1 key/ },
    { args: ['cp', 'db/user', 'copy/user'], says: /holds the same/ },
  ],
  mv: [
    { args: ['mv', 'copy/user', 'moved'], says: /moved copy\/user to moved/ },
    { args: ['mv', 'more/', 'most/'], none: 3, says: /moved 1 key/ },
  ],
  edit: [{ args: ['edit', 'moved', '--allow-disk'], says: /moved is unchanged/ }],
  generate: [
    { args: ['generate', 'made'], says: /stored made, 32 characters/ },
    { args: ['generate', 'made', '--overwrite'], says: /stored made, 32 characters/ },
  ],
  rm: [{ args: ['rm', 'db/user'] }],
  undelete: [{ args: ['undelete', 'db/user'] }],
  purge: [{ args: ['purge', 'old', '--yes'] }],
  import: [{ args: ['import', 'values.json', '--prefix', 'values'], none: 8, says: /stored/ }],
  export: [{ args: ['export', 'out.json', '--prefix', 'values'], none: 3 }],
  exec: [
    { args: ['exec', '--env', 'USER_NAME=values/a', 'true'] },
    { args: ['exec', '--prefix', 'values', '--variables', 'A,B', 'true'], none: 3 },
  ],
  trust: [{ args: ['trust', '--list'], none: 0, says: /no folder is trusted/ }],
  key: [
    { args: ['key', 'list'], says: /default/ },
    { args: ['key', 'list', '--usage'] },
    { args: ['key', 'destroy', 'none', '--yes'], all: 3 },
    { args: ['key', 'undo', 'none'], all: 3 },
  ],
  settings: [{ args: ['settings'], says: /history/ }, { args: ['settings', 'change', '--history-versions', '7'] }],
  slot: [
    { args: ['slot', 'list'], says: /key file/ },
    { args: ['slot', 'add', '--new-passphrase-file', 'passphrase'], says: /passphrase that unlocks the store/ },
    {
      args: ['slot', 'add', '--recipient', 'FRIEND'],
      says: /^securestore invitation 1\n(?!.*store: http).*Send the store URL/s,
    },
    refused(['slot', 'add', '--new-recovery-code'], SLOT_OF_A_SERVER),
    refused(['slot', 'add', '--new-key-file', 'new.key'], SLOT_OF_A_SERVER),
    { args: ['slot', 'remove', 'none', '--yes'], all: 3 },
  ],
  identity: [{ args: ['identity', 'new', '-o', 'ID'], none: 0 }],
  rotate: [
    refused(['rotate', '--same-secret']),
    refused(['rotate', '--new-passphrase-file', 'passphrase']),
    {
      args: ['rotate', '--resume'],
      all: 3,
      says: /unfinished job rotation does not exist.*\nhint: to list the jobs: securestore job list\n/,
    },
  ],
  role: [
    { args: ['role'] },
    { args: ['role', 'add', 'reader', '--template', 'reader'] },
    { args: ['role', 'show', 'reader'] },
    { args: ['role', 'remove', 'reader', '--yes'] },
  ],
  grant: [{ args: ['grant'], says: /somebody/ }, { args: ['grant', 'new', 'everything'] }],
  token: [{ args: ['token'] }, { args: ['token', 'new', 'new'] }, { args: ['token', 'revoke', 'none'], all: 3 }],
  revoke: [{ args: ['revoke', 'new', 'everything'] }, { args: ['revoke', 'new', '--yes'] }],
  explain: [{ args: ['explain', 'nobody', 'read', 'db/user'], all: 4, says: /^denied/ }],
  approval: [
    { args: ['approval'], none: 0 },
    { args: ['approval', 'add', 'purge', '--keys', 'guarded/**'] },
    { args: ['approval', 'rules'], says: /purge/ },
    { args: ['put', 'guarded/x'], input: 'x' },
    {
      args: ['purge', 'guarded/x', '--yes'],
      all: 4,
      says: /hint: to ask for approval: securestore approval request purge guarded\/x/,
    },
    {
      args: ['approval', 'request', 'purge', 'guarded/x', '--reason', 'gone'],
      says: /asked for.*the store would delete 1 object/s,
    },
    {
      args: ['approval', 'request', 'keys.destroy', '--operation', '{'],
      all: 2,
      none: 2,
      says: /--operation must be JSON/,
    },
    { args: ['approval', 'remove', '1'] },
  ],
  approve: [{ args: ['approve', 'none'], all: 3, none: 3 }],
  deny: [{ args: ['deny', 'none'], all: 3, none: 3 }],
  audit: [
    { args: ['audit'], says: /not audited/ },
    { args: ['audit', 'on', '--fail-closed', '--auditor', 'RECIPIENT'], says: /audited from now on/ },
    { args: ['audit'], says: /audited \(fail-closed\)/ },
    { args: ['audit', 'tail', '--all'], says: /audit\.enable/ },
    { args: ['audit', 'examine'], says: /complete, in order/ },
    { args: ['audit', 'tail', '--name', 'db/user', '-n', '5'] },
    refused(['audit', 'export']),
    refused(['audit', 'verify', '--auditor-identity', 'auditor'], /where the store is unlocked/),
  ],
  member: [
    { args: ['member'] },
    {
      args: ['member', 'add', 'ann', 'RECIPIENT', '--category', 'default'],
      says: /^securestore invitation 1\n(?!.*store: http).*Send the store URL/s,
    },
    { args: ['member', 'revoke', 'ann'], says: /revoked ann/ },
  ],
  backup: [
    { args: ['backup', DESTINATION], says: /made snapshot 1/ },
    refused(['backup', DESTINATION, '--continuous']),
  ],
  snapshots: [
    { args: ['snapshots', DESTINATION], says: /SNAPSHOT/ },
    { args: ['snapshots', DESTINATION, '--windows'] },
  ],
  verify: [
    { args: ['verify'], says: /nothing is wrong/ },
    { args: ['verify', '--checkpoint'], says: /made a checkpoint/ },
    { args: ['verify', DESTINATION], says: /nothing is wrong among 1 snapshot/ },
    { args: ['verify', DESTINATION, '--payloads'], says: /everything in the newest snapshot was decrypted/ },
    { args: ['verify', DESTINATION, '--rolling', '30d'], says: /nothing is wrong/ },
  ],
  drill: [{ args: ['drill', DESTINATION, '--receipt', 'RECEIPT'], says: /can be restored/ }],
  restore: [
    { args: ['restore', DESTINATION, '--dry-run'], says: /would restore from snapshot 1/ },
    { args: ['restore', DESTINATION, '--key', 'db/user', '--conflict', 'overwrite', '--yes'], says: /1 unchanged/ },
    {
      args: ['restore', DESTINATION, '--key', 'db/user', '--conflict', 'overwrite', '--ask', 'why'],
      all: 2,
      says: /takes no approval \[INVALID_ARGUMENT\]\nhint: leave out --ask\n/,
    },
    { args: ['put', 'db/user'], input: 'changed' },
    { args: ['approval', 'add', 'restore.replace'] },
    {
      args: ['restore', DESTINATION, '--key', 'db/user', '--conflict', 'overwrite', '--yes'],
      all: 4,
      says: /second person .*\nhint: to ask for approval: securestore --ask=REASON restore /,
    },
    {
      args: ['restore', DESTINATION, '--key', 'db/user', '--conflict', 'overwrite', '--ask', 'why'],
      says: /asked for approval as (\S+), .*the store would replace 1 object.*replace db\/user.*securestore approve \1;/s,
    },
    {
      args: ['restore', DESTINATION, '--key', 'db/user', '--conflict', 'overwrite', '--yes'],
      all: 4,
      says: /of a second person \[ACCESS_DENIED\]\nhint: request (\S+) for restore\.replace waits until \S+ \S+: another person approves it with securestore approve \1\n$/,
    },
    { args: ['approval', 'remove', '1'] },
    { args: ['restore', DESTINATION, '--key', 'db/user', '--conflict', 'overwrite', '--yes'], says: /1 replaced/ },
    { args: ['restore', '--give-up'], all: 0 },
    { args: ['restore', DESTINATION, '--to', 'sqlite:./again.db'], says: /restored snapshot 1/ },
    { args: ['restore', DESTINATION, '--key', 'db/user', '--stdout'], says: /^ops$/ },
    { args: ['restore', DESTINATION, '--folder', 'FOLDER'], says: /exported/ },
  ],
  browse: [
    { args: ['browse', DESTINATION], says: /db\// },
    { args: ['browse', DESTINATION, '--prefix', 'db/', '--snapshot', '1'], says: /db\/user/ },
    { args: ['browse', '--prefix', 'db/'], says: /db\/user/ },
    { args: ['browse', '--snapshot', '1'], all: 2, none: 2, says: /--at and --snapshot need a destination/ },
  ],
  find: [
    { args: ['find', 'USER', DESTINATION], says: /^db\/user$/m },
    { args: ['find', 'user'], says: /^db\/user$/m },
  ],
  compare: [{ args: ['compare', DESTINATION], says: /added, 0 removed/ }],
  receipt: [{ args: ['receipt', 'passphrase'], all: 2, none: 2, says: /holds no receipt/ }],
  destination: [
    { args: ['destination'], says: /backups/ },
    { args: ['destination', 'add', 'file:./more'] },
    { args: ['destination', 'remove', 'file:./more'] },
  ],
  retention: [
    { args: ['retention', DESTINATION, '--keep-last', '5', '--set'] },
    { args: ['retention', DESTINATION, '--yes'], says: /1 stay/ },
  ],
  schedule: [
    { args: ['schedule', 'add', 'nightly', DESTINATION, '--cron', '30 2 * * *'], says: /nightly runs backup/ },
    { args: ['schedule'], says: /nightly/ },
    { args: ['schedule', 'remove', 'nightly'] },
    refused(['schedule', 'run', '--once']),
  ],
  migrate: [
    refused(['migrate', 'sqlite:./moved.db']),
    refused(['migrate', 'sqlite:./moved.db', 'https://vault.example.com']),
  ],
  job: [
    { args: ['job'], says: /there is no unfinished job/ },
    { args: ['job', 'resume', 'none'], all: 3 },
    { args: ['job', 'cancel', 'none'], all: 3 },
    { args: ['job', 'forget', 'none'], all: 3 },
  ],
  gc: [
    { args: ['gc'], says: /checked/ },
    { args: ['gc', '--dry-run'], says: /nothing was changed/ },
  ],
  scrub: [{ args: ['scrub'], says: /nothing is wrong/ }, { args: ['scrub', '--repair', DESTINATION] }],
  health: [{ args: ['health'], says: /the store is (?:ok|degraded)/ }],
  clock: [refused(['clock']), refused(['clock', 'reset', '--yes'])],
  init: [
    refused(
      ['init'],
      /hint: to make one on this machine: securestore init sqlite:.*\nhint: then to serve it: securestore serve --store sqlite:/,
    ),
  ],
  serve: [refused(['serve'], /hint: give --store the URL of the store itself/)],
  help: [{ args: ['help', 'put'], none: 0 }],
};

/** Calls of the library, and what a program is for whoever has written it. */
const FOREIGN =
  /\b(?:store|session|remote|access|approvals|audit|backups|jobs|keys|members|schedules|slots)\.[a-z]\w+|\w\(\)|defect|INTERNAL|createStore|openStore/;

/** What is said without the actions to be asked for, whose names are for whoever grants them. */
function withoutActions(said: string): string {
  return said
    .replaceAll(/(?:[a-z.]+ and )?[a-z.]+(?: on this key)? (?:is not allowed|takes? the approval)/g, '')
    .replaceAll(/^hint: ask an administrator of the store for \S+(?: on "[^"]*")?$/gm, '')
    .replaceAll(/^(hint: to ask for approval: securestore approval request) \S+/gm, '$1');
}

interface Served {
  readonly box: Sandbox;
  /** Runs a command as somebody who may do everything, or nothing. */
  readonly as: (who: 'all' | 'none', use: Use) => Promise<Result>;
}

async function served(onEnd: TestContext['onTestFinished']): Promise<Served> {
  const box = await sandbox('sqlite', onEnd);
  const made = async (...args: string[]): Promise<Result> => {
    const result = await box.run(args);
    expect(result).toMatchObject({ exitCode: 0 });
    return result;
  };
  await made('role', 'add', 'everything', '--allow', '*');
  await made('role', 'add', 'nothing', '--deny', '*');
  await made('grant', 'somebody', 'everything');
  await made('grant', 'nobody', 'nothing');
  const tokens = {
    all: (await made('token', 'new', 'somebody')).stdout.trim(),
    none: (await made('token', 'new', 'nobody')).stdout.trim(),
  };
  await writeFile(box.path('values.json'), '{"a":"1","b":"2"}');
  await writeFile(box.path('passphrase'), 'correct horse battery staple', { mode: 0o600 });
  await made('identity', 'new', '-o', 'auditor');
  await made('identity', 'new', '-o', 'friend');
  const recipientIn = async (file: string): Promise<string> =>
    (await made('identity', 'show', file)).stdout.match(/SSRP1-[A-Z0-9-]+/)?.[0] ?? '';
  const [recipient, friend] = [await recipientIn('auditor'), await recipientIn('friend')];
  // Some of what is asked for lies in its working folder.
  const { url } = await servingApart(box, [], onEnd);
  const as: Served['as'] = async (who, { args, input }) => {
    const given = args.map((arg) => {
      if (arg === 'RECIPIENT') return recipient;
      if (arg === 'FRIEND') return friend;
      if (arg === DESTINATION) return `file:${box.path('backups')}`;
      if (['ID', 'RECEIPT', 'FOLDER'].includes(arg)) return box.path(`${arg}-${who}`);
      return arg === 'out.json' || arg === 'values.json' || arg === 'passphrase' ? box.path(arg) : arg;
    });
    const env = {
      PATH: process.env['PATH'] ?? '',
      SECURESTORE_URL: url,
      SECURESTORE_TOKEN: tokens[who],
      HOME: box.path(),
      EDITOR: 'true',
    };
    return runHere(given, { env, ...(input !== undefined && { input }) });
  };
  return { box, as };
}

describe('over a server', () => {
  it('every verb has a use here', async () => {
    const { commands } = JSON.parse((await runHere(['help', '--json'])).stdout) as ProgramHelp;
    const ofTheMachine = new Set(['completion', 'man', 'version']);
    const verbs = commands.map(({ name }) => name).filter((name) => !ofTheMachine.has(name));
    expect(verbs.length).toBeGreaterThan(30);
    expect(Object.keys(USES).toSorted()).toEqual(verbs.toSorted());
  });

  describe('each works for whom it is allowed, or says what to do instead', () => {
    let here: Served;
    const ends: (() => unknown)[] = [];
    beforeAll(async () => {
      here = await served((end) => void ends.push(end as () => unknown));
      return async () => {
        for (const end of ends.toReversed()) await end();
      };
    });

    describe.each(Object.entries(USES))('%s', (_verb, uses) => {
      it.each(uses)('$args', async ({ all = 0, none = 4, says, ...use }) => {
        const nothing = await here.as('none', use);
        expect(nothing, nothing.stderr).toMatchObject({ exitCode: none });
        if (none === 4) expect(nothing.stderr).toMatch(/not allowed|ACCESS_DENIED/);
        const everything = await here.as('all', use);
        expect(everything, everything.stderr).toMatchObject({ exitCode: all });
        if (says !== undefined) expect(`${everything.stdout}${everything.stderr}`).toMatch(says);
        for (const { stderr } of [nothing, everything]) expect(withoutActions(stderr)).not.toMatch(FOREIGN);
        // That `explain` denies something is an answer.
        if (all !== 0 && use.args[0] !== 'explain') expect(everything.stderr).toMatch(/^error: \S/);
      });
    });
  });

  it('what is not allowed is refused after nothing was done, also where more is shown to those who may see it', async ({
    onTestFinished: onEnd,
  }) => {
    const box = await sandbox('sqlite', onEnd);
    for (const args of [
      ['role', 'add', 'switch', '--allow', 'audit.change'],
      ['role', 'add', 'view', '--allow', 'keys.view'],
      ['role', 'add', 'let in', '--allow', 'members.change'],
      ['grant', 'ann', 'switch'],
      ['grant', 'ann', 'view'],
      ['grant', 'ann', 'let in'],
      ['identity', 'new', '-o', 'auditor'],
    ]) {
      expect(await box.run(args)).toMatchObject({ exitCode: 0 });
    }
    const token = (await box.run(['token', 'new', 'ann'])).stdout.trim();
    const shown = (await box.run(['identity', 'show', 'auditor'])).stdout;
    const recipient = shown.match(/SSRP1-[A-Z0-9-]+/)?.[0] ?? '';
    const { url } = await serving(box, [], onEnd);
    const env = { SECURESTORE_URL: url, SECURESTORE_TOKEN: token };
    expect(await runHere(['audit', 'on', '--auditor', recipient], { env })).toMatchObject({ exitCode: 0 });
    expect(await runHere(['key', 'list'], { env })).toMatchObject({ exitCode: 0 });
    const added = await runHere(['member', 'add', 'ben', recipient, '--category', 'default'], { env });
    expect(added, added.stderr).toMatchObject({ exitCode: 0 });
  });

  it('the log tells which request an entry is of, as the answer had it', async ({ onTestFinished: onEnd }) => {
    const box = await sandbox('sqlite', onEnd);
    await box.run(['identity', 'new', '-o', 'auditor']);
    const shown = (await box.run(['identity', 'show', 'auditor'])).stdout;
    await box.run(['audit', 'on', '--fail-closed', '--auditor', shown.match(/SSRP1-[A-Z0-9-]+/)?.[0] ?? '']);
    await box.run(['role', 'add', 'everything', '--allow', '*']);
    await box.run(['grant', 'ann', 'everything']);
    const token = (await box.run(['token', 'new', 'ann'])).stdout.trim();
    const { url } = await serving(box, [], onEnd);
    const headers = { authorization: `Bearer ${token}`, 'x-request-id': 'deploy-7' };
    const answer = await fetch(`${url}/v1/info/none`, { headers });
    expect([answer.status, answer.headers.get('x-request-id')]).toEqual([404, 'deploy-7']);
    const env = { SECURESTORE_URL: url, SECURESTORE_TOKEN: token };
    const text = (await runHere(['audit', 'log', '-n', '50', '--long'], { env })).stdout;
    expect(text).toMatch(/^TIME.* REQUEST +REASON\n/);
    expect(text).toMatch(/failed +ann +read +#\S+ +default +deploy-7 +NOT_FOUND: metadata only/);
    const stop = new AbortController();
    const followed = await runHere(['audit', 'log', '--follow', '--all', '-n', '1', '--long'], {
      env,
      signal: stop.signal,
      onOutput: (line) => {
        // It is told of itself first; then there is something to come.
        if (!line.includes('deploy-8'))
          void fetch(`${url}/v1/info/none`, { headers: { ...headers, 'x-request-id': 'deploy-8' } });
        else stop.abort();
      },
    });
    expect(followed.stdout).toMatch(
      /failed {2}ann {2}read {2}#\S+ {2}default {2}deploy-8 {2}NOT_FOUND: metadata only\n$/,
    );
    const here = jsonLines((await box.run(['audit', 'tail', '-n', '50', '--json'])).stdout);
    const there = jsonLines((await runHere(['audit', 'tail', '-n', '50', '--json'], { env })).stdout);
    for (const entries of [here, there]) {
      expect(entries).toContainEqual(expect.objectContaining({ action: 'read', requestId: 'deploy-7' }));
    }
  });
});
