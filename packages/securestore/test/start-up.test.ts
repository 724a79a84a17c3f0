import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStore, openStore, rawKey, SecureStoreError } from 'securestore';
import { LONG } from '../../../tools/campaigns/src/size.ts';

const PROGRAM = fileURLToPath(new URL('support/loaded-modules.mjs', import.meta.url));

/** The packages that work on an open store, and what an open store needs of each at once: the files that their entry `/lazy` has. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  acl: [
    'administration/administration.ts',
    'administration/call-arguments.ts',
    'administration/further-actions.ts',
    'administration/guard-administration.ts',
    'administration/guarded-job.ts',
    'approval/approval-plan.ts',
    'authentication/authenticator.ts',
    'authentication/jwt.ts',
    'control/access-control.ts',
    'control/batches.ts',
    'control/recorded-calls.ts',
    'control/recorded.ts',
    'guard/surface.ts',
    'lazy.ts',
    'policy/decide.ts',
    'policy/policy-changes.ts',
    'rules/actions.ts',
    'rules/for-callers.ts',
    'rules/identity.ts',
    'rules/policy.ts',
    'rules/rule-check.ts',
    'rules/templates.ts',
  ],
  audit: [
    'entry/attempted.ts',
    'entry/line.ts',
    'entry/lines.ts',
    'entry/redact.ts',
    'file/file-errors.ts',
    'file/file-sink.ts',
    'file/file-tips.ts',
    'lazy.ts',
    'record/recorder.ts',
    'sink/header-first.ts',
    'sink/sinks.ts',
    'trail/trail.ts',
  ],
  backup: [
    'api/backup-job.ts',
    'api/backups.ts',
    'api/schedules.ts',
    'continuous/synchronous.ts',
    'continuous/wait-for-other.ts',
    'lazy.ts',
    'recovery/recovery-points.ts',
    'repository/destination-state.ts',
    'repository/errors.ts',
    'repository/files.ts',
    'repository/run-state-files.ts',
    'restore/receipts.ts',
    'restore/restore-jobs.ts',
    'restore/restore-options.ts',
    'restore/restore-types.ts',
    'schedule/alerts/conditions.ts',
    'schedule/alerts/deliver.ts',
    'schedule/alerts/http.ts',
    'schedule/alerts/program.ts',
    'schedule/run-hooks.ts',
    'trust/destinations.ts',
    'trust/registry.ts',
    'trust/restore-label.ts',
    'verify/rolling/within.ts',
  ],
  migrate: [
    'folder/atomic-file.ts',
    'folder/concurrency.ts',
    'folder/export-file.ts',
    'folder/export-folder.ts',
    'folder/file-format.ts',
    'folder/import-file.ts',
    'folder/import-folder.ts',
    'folder/not-granted.ts',
    'folder/objects-below.ts',
    'folder/options.ts',
    'folder/own-files.ts',
    'folder/transfer.ts',
    'lazy.ts',
  ],
};

/** Modules of Node that take milliseconds, and that no open `file:` store needs. */
const SLOW_BUILTINS = ['child_process', 'dgram', 'http', 'https', 'sqlite', 'tls', 'worker_threads'];

interface Loaded {
  readonly files: readonly string[];
  readonly builtins: readonly string[];
}

/** What was loaded needlessly. */
function needless({ files, builtins }: Loaded): readonly string[] {
  const own = files.flatMap((url) => {
    const [, name = '', file = ''] = /\/packages\/([\w-]+)\/src\/(.*)$/.exec(url) ?? [];
    const needed = NEEDED[name];
    return needed === undefined || needed.includes(file) ? [] : [`${name}/${file}`];
  });
  const foreign = files.flatMap((url) => {
    const [, name] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? [];
    return name === undefined || name === 'libsodium' || name === 'libsodium-wrappers' ? [] : [name];
  });
  return [...own, ...foreign, ...SLOW_BUILTINS.filter((name) => builtins.includes(name))];
}

describe('a program that opens a file: store', () => {
  const key = randomBytes(32);
  let folder: string;
  let url: string;

  const loadedBy = async (...planted: readonly string[]): Promise<Loaded> => {
    const args = ['--conditions=@securestore/source', PROGRAM, join(folder, 'store'), key.toString('hex'), ...planted];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return JSON.parse(stdout) as Loaded;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'securestore-start-up-'));
    url = `file:${join(folder, 'store')}`;
    await (await createStore(url, { unlock: rawKey(key) })).close();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('loads nothing of what it does not use', async () => {
    const loaded = await loadedBy();
    expect(loaded.files.length).toBeGreaterThan(100);
    expect(needless(loaded)).toEqual([]);
  });

  const PLANTED: readonly (readonly [string, string[]])[] = [
    ['@securestore/backup', ['backup/snapshot/snapshot.ts', 'croner']],
    ['@securestore/acl', ['acl/session/session.ts']],
    ['@securestore/audit', ['audit/verify/verify.ts']],
    ['@securestore/migrate', ['migrate/online/migration.ts']],
    ['node:http', ['http']],
  ];
  // In a short run a package and a builtin module.
  const planted = PLANTED.filter(([name]) => LONG || name === '@securestore/acl' || name === 'node:http');
  it.each(planted)('would be found out if it loaded %s', async (name, found) => {
    expect(needless(await loadedBy(name))).toEqual(expect.arrayContaining(found));
  });

  it('gets the same from calls that are made at once, before anything is loaded', async () => {
    await using store = await openStore(url, { unlock: rawKey(key) });
    const to = `file:${join(folder, 'backup')}`;
    const [first, second] = await Promise.all([store.schedules.list(), store.schedules.list()]);
    expect([first, second]).toEqual([[], []]);
    await store.backup(to);
    const lists = await Promise.all([store.backups.list(to), store.backups.list(to), store.backups.windows(to)]);
    expect(lists.map(({ length }) => length)).toEqual([1, 1, 1]);
  });

  it('is refused a call whose work is still being loaded when the store is closed', async () => {
    const store = await openStore(url, { unlock: rawKey(key) });
    const calls = [
      store.backups.list(`file:${join(folder, 'backup')}`),
      store.recoveryPoints.browse({}),
      store.schedules.list(),
      store.access.policy(),
      store.audit.examine(),
    ];
    await store.close();
    for (const outcome of await Promise.allSettled(calls)) {
      // What was quick enough was still done.
      if (outcome.status === 'rejected') expect(SecureStoreError.is(outcome.reason), String(outcome.reason)).toBe(true);
    }
    await expect(store.schedules.list()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
