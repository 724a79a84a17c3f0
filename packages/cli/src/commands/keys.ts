import type { EncryptionKeyInfo, SecureStore } from 'securestore';
import { pendingBackups } from '../access/pending-backups.ts';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { withStore } from '../store/open.ts';
import { parseDurationWithin } from '../call/parse-time.ts';
import { confirmDestruction } from '../secret/prompt.ts';
import { refusal } from '../errors/refuse.ts';
import { ifAllowed } from '../store/served.ts';
import { count, formatTable, formatTime, printable } from '../terminal/terminal-text.ts';
import { watchWait } from '../terminal/wait-progress.ts';
import { Commands } from '../errors/hints.ts';

export interface ListKeysOptions {
  readonly usage?: boolean;
  /** What `usage` was called. */
  readonly census?: boolean;
}

export interface DestroyKeysOptions {
  readonly wait?: string;
}

const DEFAULT_WAIT = '30d';
const LETTING_GO = 'waiting until no process uses the keys any more';

/** `securestore key list`. */
export async function listKeys(call: Call<ListKeysOptions>): Promise<ExitCode> {
  return await withStore(call, async (store) => {
    const due = await finishDue(call, store);
    await list(call, store);
    return due.length === 0 ? 0 : SOME_FAILED;
  });
}

/** `securestore key destroy`. */
export async function destroyKeys(call: Call<DestroyKeysOptions>, target: string): Promise<ExitCode> {
  const { options, out } = call;
  const wait = parseDurationWithin('--wait', options.wait ?? DEFAULT_WAIT, { from: '0s', to: '3650d' });
  return await withStore(call, async (store) => {
    await finishDue(call, store);
    const changed = await destroy(call, store, target, wait);
    const exitCode = await sayChanged(call, store, changed);
    if (!out.json && changed.every(({ state }) => state === 'destroyed'))
      await out.result({}, () => whatIsGone(target, changed));
    return exitCode;
  });
}

/** `securestore key undo`. */
export async function undoDestruction(call: Call, target: string): Promise<ExitCode> {
  return await withStore(call, async (store) => {
    await finishDue(call, store);
    return await sayChanged(call, store, await store.encryptionKeys.undo(target, { signal: call.cli.signal }));
  });
}

async function sayChanged(call: Call, store: SecureStore, changed: readonly EncryptionKeyInfo[]): Promise<ExitCode> {
  for (const key of changed) await call.out.result(key, () => describe(key));
  const pending = [...new Set(changed.flatMap(({ pendingAt }) => pendingAt ?? []))];
  await notePending(call, store, pending);
  return pending.length === 0 ? 0 : SOME_FAILED;
}

/** Says where destroyed keys are still to be had: what is not gone everywhere is not destroyed. */
async function notePending(call: Call, store: SecureStore, pending: readonly string[]): Promise<void> {
  const { lines } = await pendingBackups(
    call,
    store,
    pending,
    'their copies of the destroyed keys still decrypt their backups: once they can be reached, run securestore key list, which removes these',
  );
  for (const line of lines) call.out.note(line);
}

/** What was scheduled and is due is destroyed by whichever command comes first. @returns the destinations that it did not reach */
async function finishDue(call: Call, store: SecureStore): Promise<readonly string[]> {
  const { cli, out } = call;
  // Over a server somebody may see the keys and destroy none.
  const finishing = ifAllowed(store.encryptionKeys.destroyDue({ signal: cli.signal }));
  const done = await watchWait(cli, `key: what is due is destroyed; ${LETTING_GO}`, finishing);
  if (done === undefined) return [];
  const { destroyed, inUse, pending } = done;
  if (destroyed.length > 0) out.note(`destroyed now, as it was scheduled: ${destroyed.join(', ')}`);
  if (inUse.length > 0) {
    out.note(`due to be destroyed, but objects need them: ${inUse.join(', ')}; undo that, or run securestore rotate`);
  }
  await notePending(call, store, pending);
  return pending;
}

async function usageOf(cli: Call['cli'], store: SecureStore): ReturnType<SecureStore['encryptionKeys']['usage']> {
  return await watchWait(cli, 'key list: counting versions', store.encryptionKeys.usage({ signal: cli.signal }));
}

const nameOf = ({ category, kind }: EncryptionKeyInfo): string =>
  category === undefined ? `(${kind})` : printable(category);

/** How many versions of objects a key seals; `undefined` for keys that seal none, only what the store has for itself. */
function versionsUnder({ id, kind }: EncryptionKeyInfo, usage: Readonly<Record<string, number>>): number | undefined {
  return usage[id] ?? (kind === 'category' ? 0 : undefined);
}

async function list({ cli, out, options }: Call<ListKeysOptions>, store: SecureStore): Promise<void> {
  const { signal } = cli;
  const states = await store.encryptionKeys.list({ signal });
  const usage = options.usage === true || options.census === true ? await usageOf(cli, store) : undefined;
  if (out.json) {
    for (const key of states) {
      await out.result(usage === undefined ? key : { ...key, versions: versionsUnder(key, usage) }, () => []);
    }
    return;
  }
  const columns = [
    { title: 'ID' },
    { title: 'STATE' },
    { title: 'CREATED' },
    { title: 'DUE' },
    ...(usage === undefined ? [] : [{ title: 'VERSIONS', align: 'right' } as const]),
    { title: 'CATEGORY' },
  ];
  const rows = states.map((key) => [
    key.id,
    key.state,
    formatTime(key.created),
    key.destroyAt === undefined ? '' : formatTime(key.destroyAt),
    ...(usage === undefined ? [] : [String(versionsUnder(key, usage) ?? '-')]),
    nameOf(key),
  ]);
  await out.result({}, () => formatTable(columns, rows));
}

function describe(key: EncryptionKeyInfo): string {
  const until = key.destroyAt === undefined ? '' : `, can be undone until ${formatTime(key.destroyAt)}`;
  return `${key.id} of ${nameOf(key)}: ${key.state}${until}`;
}

const NO_WAY_BACK = '; there is no way back';

function whatIsGone(target: string, destroyed: readonly EncryptionKeyInfo[]): string {
  return destroyed.some(({ id }) => id === target)
    ? `destroyed for ever: what old copies and backups hold under the key version ${target} cannot be read any more${NO_WAY_BACK}`
    : `destroyed for ever: what the category ${printable(target)} held cannot be read any more, here or in any copy${NO_WAY_BACK}`;
}

async function destroy(
  call: Call,
  store: SecureStore,
  target: string,
  waitingPeriod: number,
): Promise<EncryptionKeyInfo[]> {
  const { cli, out, options } = call;
  const { signal } = cli;
  const states = await store.encryptionKeys.list({ signal });
  const version = states.find(({ id }) => id === target);
  const chosen = version === undefined ? states.filter(({ category }) => category === target) : [version];
  if (chosen.length === 0) {
    throw refusal('NOT_FOUND', `the key version or category ${JSON.stringify(target)} does not exist`, {
      advice: [{ id: 'list-encryption-keys' }],
    });
  }
  // Scripts need it, too.
  const what = version === undefined ? await losses(cli, store, target, chosen) : ofVersion(version);
  const question = `${what}\n${undoable(new Commands(call), target, waitingPeriod, cli.now())}`;
  if (options.yes === true) out.note(question);
  else
    await confirmDestruction(
      cli,
      options.yes,
      question,
      `the command destroys encryption keys. ${what.replace(/\.$/, '')}`,
      target,
    );
  const destroying = store.encryptionKeys.destroy(target, { waitingPeriod, signal });
  return await watchWait(cli, `key destroy: ${LETTING_GO}`, destroying);
}

async function losses(
  cli: Call['cli'],
  store: SecureStore,
  category: string,
  chosen: readonly EncryptionKeyInfo[],
): Promise<string> {
  const usage = await usageOf(cli, store);
  const versions = chosen.reduce((sum, { id }) => sum + (usage[id] ?? 0), 0);
  return `Every object of the category ${printable(category)} becomes unreadable at once: ${count(versions, 'version')} in all, and everything that copies and backups hold of them.`;
}

function ofVersion({ id }: EncryptionKeyInfo): string {
  return `Everything that old copies and backups hold under the key version ${id} becomes unreadable at once. Nothing in the store needs it.`;
}

function undoable(commands: Commands, target: string, waitingPeriod: number, now: Date): string {
  if (waitingPeriod === 0) return 'There is no waiting period, so there is no way back: key undo cannot undo it.';
  const until = formatTime(new Date(now.getTime() + waitingPeriod));
  return `Until ${until} it can be undone with: ${printable(commands.on(['key', 'undo', target]))}`;
}
