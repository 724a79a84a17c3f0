import { compilePattern, patternsMeet } from '@securestore/core-format';
import type { SecureStore, Settings } from 'securestore';
import type { Call } from '../call/call.ts';
import { refusal, refuse } from '../errors/refuse.ts';
import { confirmDestruction } from '../secret/prompt.ts';
import { ifAllowed } from '../store/served.ts';
import { count, formatBytes, formatDuration, printable } from '../terminal/terminal-text.ts';
import { watchWait } from '../terminal/wait-progress.ts';
import { copyPairs, inWords } from './copy-pairs.ts';
import { type KeyPair, pairsBelow } from './copy-scope.ts';

/** A change of categories keeps the store closed for at least this many seconds. */
const CLOSED_SECONDS = 6;

/** Objects to be moved, so that the keys of a category encrypt them. */
export interface IntoCategory {
  readonly category: string;
  /** Both folders are without the `/` at their end. */
  readonly folders: KeyPair;
}

/** The objects that {@link prepareMove} prepares to move. */
interface Plan {
  readonly pairs: readonly KeyPair[];
  readonly bytes: number;
  /** Reading all objects took so long; moving them takes longer. */
  readonly seconds: number;
  /** The settings that the plan is made for, if the category has yet to be defined. */
  readonly define: Pick<Settings, 'categories' | 'version'> | undefined;
  /** The members who have the keys of the category already. */
  readonly readers: readonly string[];
}

const quoted = (text: string): string => JSON.stringify(text);

/** The category of a key by its patterns, of which the first that matches decides. */
function categoryOf(key: string, { categories }: Settings): string {
  const segments = key.split('/');
  const found = Object.entries(categories).find(([, patterns]) =>
    patterns.some((pattern) => compilePattern(pattern)(segments)),
  );
  return found?.[0] ?? 'default';
}

/** @throws `INVALID_ARGUMENT` if the objects would come into another category under their new keys */
function checkTargets(settings: Settings, { category, folders }: IntoCategory, pairs: readonly KeyPair[]): void {
  const pattern = `${folders.to}/**`;
  const isDefined = Object.hasOwn(settings.categories, category);
  const other = isDefined
    ? pairs.map(({ to }) => categoryOf(to, settings)).find((name) => name !== category)
    : Object.entries(settings.categories).find(([, all]) => all.some((one) => patternsMeet(one, pattern)))?.[0];
  if (other === undefined) return;
  refuse(
    `keys under ${quoted(`${folders.to}/`)} belong to the category ${quoted(other)}, not ${quoted(category)}. Nothing was changed.`,
    { text: 'to list the patterns of categories', on: ['settings', 'show'] },
  );
}

async function planOf(call: Call, store: SecureStore, into: IntoCategory): Promise<Plan> {
  const { signal } = call.cli;
  const { category, folders } = into;
  const from = `${folders.from}/`;
  const begun = performance.now();
  const found = [];
  for await (const { key, size, category: own } of store.entries(from, { signal })) found.push({ key, size, own });
  const seconds = (performance.now() - begun) / 1000;
  const without = { text: 'to grant the category alone, leave out --prefix and --into' };
  if (found.length === 0) {
    throw refusal('NOT_FOUND', `no keys under ${quoted(from)}. Nothing was changed.`, { hints: [without] });
  }
  if (found.every(({ own }) => own === category)) {
    refuse(`all keys under ${quoted(from)} are in the category ${quoted(category)} already`, without);
  }
  const settings = await store.settings.get({ signal });
  const pairs = pairsBelow(
    found.map(({ key }) => key).toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other))),
    folders.from,
    folders.to,
  );
  checkTargets(settings, into, pairs);
  const define = Object.hasOwn(settings.categories, category) ? undefined : settings;
  const readers = define === undefined ? await readersOf(call, store, category) : [];
  return { pairs, bytes: found.reduce((sum, { size }) => sum + size, 0), seconds, define, readers };
}

/** The members who can read a category that exists, as far as one may know of them. */
async function readersOf({ cli }: Call, { members }: SecureStore, category: string): Promise<string[]> {
  const all = (await ifAllowed(members.list({ signal: cli.signal }))) ?? [];
  return all.filter(({ categories }) => categories.includes(category)).map(({ name }) => printable(name));
}

async function ask({ cli, options, out }: Call, { category }: IntoCategory, plan: Plan): Promise<void> {
  const { pairs, bytes, seconds, define, readers } = plan;
  const [first] = pairs;
  if (first === undefined) return;
  const what = `${count(pairs.length, 'object')} (${formatBytes(bytes)})`;
  const least = Math.ceil(seconds) + (define === undefined ? 0 : CLOSED_SECONDS);
  const closed =
    define === undefined ? '' : `. For ${CLOSED_SECONDS} s of that or more, the store answers no other call`;
  out.note(
    printable(
      `${what} ${options.yes === true ? 'will' : 'would'} be encrypted again, under the encryption keys of the category ${category}. That takes ` +
        `${formatDuration(least)} or more${closed}`,
    ),
  );
  out.note(printable(`each object gets a new key: ${first.from} becomes ${first.to}. Programs must use the new keys`));
  if (readers.length > 0)
    out.note(`members who can read ${printable(category)} already, and so these objects then: ${readers.join(', ')}`);
  out.note('older versions stay in the history of the old keys, and are not shared');
  await confirmDestruction(cli, options.yes, `Move ${count(pairs.length, 'object')}?`, `${what} would get new keys`);
}

/**
 * Prepares to move the objects below a folder to another folder, whose objects the keys of a category encrypt. A person is asked first. If the
 * category does not exist, it is defined for that folder.
 *
 * @returns what moves the objects, and whether it moved all; those that it did not move are reported
 * @throws `NOT_FOUND` if there are no objects; `INVALID_ARGUMENT` if another category has the keys of that folder, or there is no terminal to
 *   ask on and no `--yes`; what changing the settings throws
 */
export async function prepareMove(call: Call, store: SecureStore, into: IntoCategory): Promise<() => Promise<boolean>> {
  const { cli, out, verb } = call;
  const { category, folders } = into;
  const plan = await planOf(call, store, into);
  await ask(call, into, plan);
  if (plan.define !== undefined) {
    const { categories, version: ifVersion } = plan.define;
    const change = { categories: { ...categories, [category]: [`${folders.to}/**`] } };
    const changing = store.settings.change(change, { ifVersion, signal: cli.signal });
    await watchWait(cli, `${verb}: waiting for other processes`, changing);
  }
  return async () => {
    const way = { moves: true, overwrite: false, signal: cli.signal, what: verb, report: async () => {} };
    const counts = await copyPairs(call, store, plan.pairs, way);
    const { moved, skipped, failed } = counts;
    // The text of the answer is the invitation alone, so that it can be sent as it is.
    await out.result({ summary: { moved, skipped, failed } }, () => []);
    out.note(printable(`${inWords(counts, way)}: ${folders.from}/ to ${folders.to}/`));
    return failed === 0;
  };
}
