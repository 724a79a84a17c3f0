import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ApprovalRule, Rule, SecureStore } from 'securestore';
import {
  addPrincipal,
  createStore,
  generateIdentity,
  generateKeyFile,
  grantRole,
  keyFile,
  recipientOf,
  setApprovals,
  setRole,
} from 'securestore';
import { SqliteBackend } from '../../../backend-sqlite/src/index.ts';

export const COMMAND: string = fileURLToPath(new URL('../../../cli/bin/securestore.cjs', import.meta.url));

/** Who there is: the names say what they are for. */
const ROLES = {
  recoverer: [{ effect: 'allow', actions: ['*'] }],
  approver: [{ effect: 'allow', actions: ['approve', 'backup.view', 'list', 'history', 'health'] }],
  officer: [{ effect: 'allow', actions: ['approve', 'access.view'] }],
  viewer: [{ effect: 'allow', actions: ['backup.view', 'list', 'history', 'health'] }],
  operator: [{ effect: 'allow', actions: ['backup', 'backup.view', 'health'] }],
  partial: [
    { effect: 'allow', actions: ['backup.view'] },
    { effect: 'allow', actions: ['list', 'history'], keys: ['db/**'] },
    { effect: 'allow', actions: ['read'], keys: ['db/staging/**'] },
  ],
} as const satisfies Record<string, readonly Rule[]>;

export type Person = keyof typeof ROLES;

/** A store that is backed up, something that has happened to it, and a server. */
export interface World {
  readonly url: string;
  readonly tokens: Readonly<Record<Person, string>>;
  readonly destination: string;
  /** Ends the server, and removes everything. */
  readonly stop: () => Promise<void>;
}

export interface WorldOptions {
  readonly approvals?: readonly ApprovalRule[];
  /** Objects below `db/prod/records/`, beside the few that there are. */
  readonly records?: number;
  /** An object that is damaged in the store, and so in every backup of it. */
  readonly damaged?: string;
  /** Objects beside the few that there are, by their keys, and what was in them before it happened. */
  readonly more?: Readonly<Record<string, string>>;
  /** Whether the accident leaves them alone. */
  readonly isKept?: boolean;
  /** Whether the store is audited. */
  readonly audited?: boolean;
  /** The names of schedules, which no process runs. */
  readonly schedules?: readonly string[];
  /** More for the command `serve`. */
  readonly serve?: readonly string[];
}

/** What was there before it happened. */
export const BEFORE = {
  'db/prod/password': 'the good password',
  'db/prod/user': 'app',
  'db/staging/password': 'staging',
  'api/mail/token': 'mail token',
  'config/app': '{"limit":10}',
  [`long/${'name'.repeat(40)}/last`]: 'of a long name',
} as const satisfies Record<string, string>;

/** Stores an object, and changes what lies at the backend of it. */
async function storeDamaged(store: SecureStore, url: string, key: string): Promise<void> {
  await store.store(key, Buffer.alloc(300_000, 1));
  const backend = new SqliteBackend();
  await backend.init({ url, options: {} });
  const [part] = (await backend.list('b/', {})).entries;
  const body = Buffer.from((await backend.read(part?.key ?? ''))?.body ?? []);
  body.writeUInt8(body.readUInt8(1000) ^ 1, 1000);
  await backend.write(part?.key ?? '', body);
  await backend.close();
}

async function fill(
  store: SecureStore,
  destination: string,
  { records, more, isKept }: Required<Pick<WorldOptions, 'records' | 'more' | 'isKept'>>,
): Promise<void> {
  for (const [key, value] of Object.entries({ ...BEFORE, ...more })) await store.store(key, value);
  const many = Array.from({ length: records }, (_, at) => ({
    key: `db/prod/records/${String(at).padStart(6, '0')}`,
    data: `record ${at}`,
  }));
  for (const result of await store.storeMany(many)) if (!result.ok) throw result.error;
  await store.backup(destination, { label: 'before the accident' });
  // The pages show seconds: two moments in one would look alike.
  await sleep(1000);
  // What happens at three in the morning.
  await store.store('db/prod/password', 'overwritten by mistake');
  await store.delete('db/prod/user');
  await store.store('db/prod/left behind', 'by the broken job');
  for (const some of Object.values(Object.groupBy(isKept ? [] : many, ({ key }) => key.slice(0, -2)))) {
    await Promise.all((some ?? []).map(async ({ key }) => store.delete(key)));
  }
  await store.backup(destination, { label: 'after the accident' });
}

async function people(store: SecureStore, approvals: readonly ApprovalRule[]): Promise<Record<Person, string>> {
  const names = Object.keys(ROLES) as Person[];
  await store.access.change([
    ...names.flatMap((name) => [setRole(name, [...ROLES[name]]), addPrincipal(name, 'user'), grantRole(name, name)]),
    setApprovals(approvals),
  ]);
  const tokens = await Promise.all(
    names.map(async (name) => [name, (await store.access.createToken(name)).token] as const),
  );
  return Object.fromEntries(tokens) as Record<Person, string>;
}

/** A store in a folder of its own, and `securestore serve` on it. */
export async function world(options: WorldOptions = {}): Promise<World> {
  const {
    approvals = [],
    records = 0,
    more = {},
    damaged,
    isKept = false,
    audited = true,
    schedules = [],
    serve = [],
  } = options;
  const folder = await mkdtemp(join(tmpdir(), 'securestore-console-'));
  const credentials = join(folder, 'credentials');
  await mkdir(credentials);
  const key = join(credentials, 'securestore-key');
  await generateKeyFile(key);
  const url = `sqlite:${join(folder, 'vault')}`;
  const destination = `file:${join(folder, 'backup')}`;
  const store = await createStore(url, { unlock: keyFile(key) });
  if (audited) await store.audit.enable({ auditor: await recipientOf(generateIdentity()) });
  if (damaged !== undefined) await storeDamaged(store, url, damaged);
  await fill(store, destination, { records, more, isKept });
  for (const id of schedules) await store.schedules.add({ id, task: 'backup', cron: '@yearly', destination });
  const tokens = await people(store, approvals);
  await store.close();

  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    XDG_STATE_HOME: join(folder, 'state'),
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
    SECURESTORE_URL: url,
    CREDENTIALS_DIRECTORY: credentials,
  };
  const child = spawn(process.execPath, [COMMAND, 'serve', '--port', '0', '--json', ...serve], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += String(chunk)));
  const exited = once(child, 'exit');
  const lines = createInterface(child.stdout);
  const first = await Promise.race([once(lines, 'line'), exited.then(() => Promise.reject(new Error(said)))]);
  const { serving } = JSON.parse(String(first[0])) as { serving: string };
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  return { url: serving, tokens, destination, stop };
}
