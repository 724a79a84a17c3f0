import { exitCodeOf, SecureStoreError } from '@securestore/core-format';
import type { AuditState, SecureStore, TrailEntry } from 'securestore';
import { actionsMeant, othersNeeding } from '../access/audit-actions.ts';
import { AuditCoverage } from '../access/audit-coverage.ts';
import { AuditNames, hashOf } from '../access/audit-names.ts';
import type { Call, ExitCode } from '../call/call.ts';
import { parseSince } from '../call/parse-time.ts';
import { parseCount } from '../call/parse-values.ts';
import { refuse } from '../errors/refuse.ts';
import { isRemote } from '../store/served.ts';
import { count, cutTo, formatTable, formatTime, printable, widthOf } from '../terminal/terminal-text.ts';
import { watchWait } from '../terminal/wait-progress.ts';
import { Commands } from '../errors/hints.ts';

export interface AuditLogOptions {
  readonly lines?: string;
  readonly follow?: boolean;
  readonly key?: string;
  /** What `key` was called. */
  readonly name?: string;
  readonly action?: string;
  readonly principal?: string;
  readonly result?: TrailEntry['outcome'];
  readonly since?: string;
  readonly until?: string;
  readonly long?: boolean;
  readonly hashes?: boolean;
  readonly all?: boolean;
}

type LogCall = Call<AuditLogOptions>;

const DEFAULT_LINES = 20;
/** So many entries are read at a time where not all of them may be wanted. */
const PAGE = 1000;
/** As many as are had at once over a server. */
const LARGEST_PAGE = 99_999;

/** Which entries are wanted, and how many. */
interface Query {
  readonly wanted: number;
  readonly object?: string | undefined;
  readonly since: number;
  readonly until: number;
  readonly isAll: boolean;
  /** Whether entries are left out of those that match. */
  readonly isSelective: boolean;
  readonly matches: (entry: TrailEntry) => boolean;
  /** Whether an entry that matches is of the work of the store itself, and left out. */
  readonly isLeftOut: (entry: TrailEntry) => boolean;
}

/**
 * Actions that nearly every command records, and that would bury the others. Denied and failed attempts are never left out; neither are
 * changes of the audit itself and entries about lost ones.
 */
const ROUTINE: ReadonlySet<string> = new Set([
  'unlock',
  'key.used',
  'audit.end',
  'audit.entries',
  'audit.state',
  'audit.view',
]);

/** Earlier releases called the owner `[root]`. */
const ownerAsNow = (principal: string): string => (principal === '[root]' ? '[owner]' : principal);

function queryOf({ cli, options, out }: LogCall): Query {
  const { lines, key, name, action, principal, result, since, until, all } = options;
  if (key !== undefined && name !== undefined && key !== name) refuse('--key and --name differ; give --key alone');
  if (until !== undefined && options.follow === true) refuse('--until is for a log that ends; leave out --follow');
  const now = cli.now();
  const from = since === undefined ? -Infinity : parseSince('--since', since, now).getTime();
  const to = until === undefined ? Infinity : parseSince('--until', until, now).getTime();
  if (from > to) refuse('--since must be before --until');
  const actions = action === undefined ? undefined : actionsMeant(action);
  const many = since === undefined ? DEFAULT_LINES : Infinity;
  const isSelective = [action, principal, result].every((filter) => filter === undefined) && all !== true && !out.json;
  return {
    wanted: lines === undefined ? many : parseCount('--lines', lines),
    object: key ?? name,
    since: from,
    until: to,
    isAll: [action, principal, result, since, until].every((filter) => filter === undefined),
    isSelective,
    isLeftOut: (entry) => isSelective && entry.outcome === 'allowed' && ROUTINE.has(entry.action),
    matches: (entry) =>
      (actions?.has(entry.action) ?? true) &&
      (principal === undefined || ownerAsNow(entry.principal) === ownerAsNow(principal)) &&
      (result === undefined || entry.outcome === result) &&
      entry.time >= from &&
      entry.time < to,
  };
}

/** What is told of the log beside its entries. */
type Told = Pick<NonNullable<Parameters<SecureStore['audit']['entries']>[0]>, 'onCut' | 'onDamaged'>;

/** The newest entries that match, the oldest of them first, with those between them that are left out. */
async function newest(
  call: LogCall,
  store: SecureStore,
  query: Query,
  told: Told,
  coverage: AuditCoverage,
): Promise<TrailEntry[]> {
  const { wanted, object, since, isAll, isSelective, matches, isLeftOut } = query;
  // To find an object, the whole log is read for each page.
  const most = isAll && !isSelective ? Math.min(wanted, LARGEST_PAGE) : object === undefined ? PAGE : LARGEST_PAGE;
  const found: TrailEntry[][] = [];
  let missing = wanted;
  for (let before: TrailEntry | undefined; missing > 0;) {
    const place = before && { before: { time: before.time, sequence: before.sequence, segment: before.segment } };
    const page = await store.audit.entries({
      entries: most,
      ...(object !== undefined && { object }),
      ...place,
      ...told,
      signal: call.cli.signal,
    });
    if (object === undefined) coverage.add(page);
    const matching = page.filter(matches);
    found.unshift(matching);
    missing -= matching.filter((entry) => !isLeftOut(entry)).length;
    [before] = page;
    if (object === undefined && page.length < most) coverage.reachedBeginning();
    if (before === undefined || page.length < most || before.time < since) break;
  }
  const all = found.flat();
  if (missing >= 0) return all;
  const shown = all.flatMap((entry, at) => (isLeftOut(entry) ? [] : [at]));
  return wanted === 0 ? [] : all.slice(shown.at(-wanted));
}

function objectOf(entry: TrailEntry): string {
  const { object } = entry;
  if (object === undefined) return '';
  return 'name' in object ? object.name : (hashOf(entry) ?? '');
}

function jsonOf(entry: TrailEntry, names: AuditNames): object {
  const { object: _, time, duration, ...rest } = entry;
  const key = names.of(entry);
  const about = { object: objectOf(entry), ...(key !== undefined && { key }) };
  return { time: new Date(time).toISOString(), ...rest, ...about, milliseconds: duration / 1000 };
}

const columnsOf = (titles: readonly string[]): { readonly title: string }[] => titles.map((title) => ({ title }));

const COLUMNS = columnsOf(['TIME', 'RESULT', 'PRINCIPAL', 'ACTION', 'OBJECT']);
const LONG_COLUMNS = columnsOf([...COLUMNS.map(({ title }) => title), 'CATEGORY', 'REQUEST', 'REASON']);

function rowOf(entry: TrailEntry, names: AuditNames, isLong: boolean): string[] {
  const { time, principal, action, outcome, requestId, category, reason } = entry;
  const object = names.of(entry) ?? objectOf(entry);
  const first = [formatTime(new Date(time)), outcome, principal, action];
  const rest = isLong
    ? [object, category, requestId, reason]
    : [reason === '' ? object : `${object} (${reason})`.trimStart()];
  return [...first, ...rest].map(printable);
}

/** Parts of the log that can't be read are left out, said, and make a difference to the exit code. */
export function damageOf({ out }: Pick<Call, 'out'>): {
  readonly note: (part: { readonly message: string }) => void;
  readonly exitCode: () => ExitCode;
} {
  let damaged = 0;
  return {
    note: ({ message }) => {
      damaged += 1;
      out.error(new SecureStoreError('INTEGRITY', `${message}; it is left out`));
    },
    exitCode: () => (damaged === 0 ? 0 : exitCodeOf('INTEGRITY')),
  };
}

/** Shows entries as they come. Those of a filter are looked for among the newest {@link PAGE} first. */
async function follow(call: LogCall, store: SecureStore, query: Query, told: Told, names: AuditNames): Promise<void> {
  const { cli, out, options } = call;
  const { wanted, object, isAll, isSelective, matches, isLeftOut } = query;
  const entries = isAll && !isSelective ? Math.min(wanted, LARGEST_PAGE) : PAGE;
  if (isSelective) out.note('routine entries, such as unlock, are left out; --all shows them');
  const coming = store.audit.tail({ entries, object, follow: true, signal: cli.signal, ...told });
  for await (const entry of coming) {
    if (!matches(entry) || isLeftOut(entry)) continue;
    if (options.hashes !== true) await names.lookUp([entry]);
    await out.result(jsonOf(entry, names), () => rowOf(entry, names, options.long === true).join('  '));
  }
}

const NOT_RECORDED = {
  members: 'calls of members, who have encryption keys of their own',
  backups: 'reads of a backup by restore with --stdout, --folder or --to',
} as const;

type NotRecorded = NonNullable<AuditState['notRecorded']>;
type Use = NotRecorded[number];

/** One line about the uses of the store that its log cannot hold; `undefined` if it holds all. */
export function notRecordedText(uses: NotRecorded = []): string | undefined {
  const known = uses.filter((use) => Object.hasOwn(NOT_RECORDED, use));
  return known.length === 0 ? undefined : `not in this log: ${known.map((use) => NOT_RECORDED[use]).join('; ')}`;
}

/** Says which part of the period that was asked for the log does not cover. */
async function noteCoverage(call: LogCall, store: SecureStore, query: Query, coverage: AuditCoverage): Promise<void> {
  if (query.object !== undefined) {
    // The entries about one object do not show when recording began or was off.
    const all = { ...query, object: undefined, wanted: Infinity, isAll: false, matches: () => false };
    const told = isRemote(store) ? {} : { onDamaged: () => {} };
    await newest(call, store, all, { ...told, onCut: () => coverage.cut() }, coverage);
  }
  for (const line of coverage.lines(query.since, query.until)) call.out.note(line);
}

/** The entries that the options choose. */
export async function showLog(call: LogCall, store: SecureStore): Promise<ExitCode> {
  const { cli, out, options } = call;
  const query = queryOf(call);
  const damage = damageOf(call);
  const coverage = new AuditCoverage();
  const told: Told = {
    onCut: ({ message }) => {
      coverage.cut();
      out.note(printable(message));
      out.note(printable(`to see older entries: ${new Commands(call).on(['audit', 'export'])}`));
    },
    ...(!isRemote(store) && { onDamaged: damage.note }),
  };
  const { action = '' } = options;
  const others = othersNeeding(action);
  if (others.length > 0)
    out.note(`only the action ${action}; these need the permission ${action}, too: ${others.join(', ')}`);
  const names = new AuditNames(cli, store, query.object === undefined ? [] : [query.object]);
  if (options.follow === true) {
    await follow(call, store, query, told, names);
    return damage.exitCode();
  }
  const read = await watchWait(cli, 'audit log: reading the log', newest(call, store, query, told, coverage));
  const found = read.filter((entry) => !query.isLeftOut(entry));
  const leftOut = read.length - found.length;
  if (options.hashes !== true) await names.lookUp(found);
  if (out.json) {
    for (const entry of found) await out.result(jsonOf(entry, names), () => []);
    return damage.exitCode();
  }
  if (found.length > 0) await out.result({}, () => linesOf(call, found, names));
  out.note(found.length === 0 ? 'no entries' : count(found.length, 'entry', 'entries'));
  if (leftOut > 0) {
    const are = leftOut === 1 ? 'is' : 'are';
    out.note(
      `${count(leftOut, 'routine entry', 'routine entries')}, such as unlock, ${are} left out; --all shows them`,
    );
  }
  if (query.since !== -Infinity) await noteCoverage(call, store, query, coverage);
  const { notRecorded = [] } = await store.audit.state({ signal: cli.signal });
  const missing = notRecordedText(coverage.hasMembers ? [...new Set<Use>(['members', ...notRecorded])] : notRecorded);
  if (missing !== undefined) out.note(missing);
  return damage.exitCode();
}

function linesOf({ cli, options }: LogCall, found: readonly TrailEntry[], names: AuditNames): string[] {
  const isLong = options.long === true;
  const rows = found.map((entry) => rowOf(entry, names, isLong));
  const lines = formatTable(isLong ? LONG_COLUMNS : COLUMNS, rows);
  const width = cli.stdout.isTTY === true && !isLong ? widthOf(cli.stdout) : undefined;
  return width === undefined ? lines : lines.map((line) => cutTo(width, line));
}
