import type { HistoryEntry } from '../../../src/index.ts';
import { GRACE_PERIOD } from '../../../src/engine/engine.ts';
import type { Content, Operation } from '../operations.ts';
import type { Recorded } from '../world.ts';
import { byKey, contentsOf } from './by-key.ts';
import { isLeftBehind } from './revocation.ts';

const WRITES: ReadonlySet<string> = new Set(['store', 'setMetadata', 'restoreVersion', 'undelete']);

/** What one object's operations say about its versions. */
interface Story {
  readonly operations: readonly Operation[];
  readonly purges: readonly Operation[];
  readonly contents: ReadonlyMap<string, Content>;
  /** Whether past versions are collected in the time of a schedule. */
  readonly shortHistory: boolean;
  /** Whether what was seen, and never acknowledged, may lie under a key that is retired, and is replaced without a trace. */
  readonly rotates: boolean;
}

const succeeded = ({ outcome }: Operation): boolean => outcome.type === 'ok';

/** The versions that were acknowledged, or seen, before an operation began. */
function versionsBefore(story: Story, reader: Operation): Map<string, Operation> {
  const versions = new Map<string, Operation>();
  for (const operation of story.operations) {
    const { action, outcome, returned } = operation;
    if (outcome.type !== 'ok' || outcome.content?.version === undefined || returned >= reader.invoked) continue;
    const counts = WRITES.has(action.type) || (action.type === 'retrieve' && !story.rotates);
    if (counts) versions.set(outcome.content.version, operation);
  }
  return versions;
}

/** Whether a purge may have removed what an operation wrote before `reader` looked. */
const mayBePurged = ({ purges }: Story, written: Operation, reader: Operation): boolean =>
  purges.some(
    ({ outcome, invoked, returned }) =>
      invoked <= reader.returned && (outcome.type === 'unknown' || returned >= written.invoked),
  );

/** Whether a version may have been collected, since it was written a grace period before `reader` ended. */
const mayBeCollected = ({ shortHistory }: Story, written: Operation, reader: Operation): boolean =>
  shortHistory && reader.returned - written.invoked >= GRACE_PERIOD;

/** Whether a purge that has ended when `reader` began must have removed it. */
const mustBePurged = ({ purges }: Story, written: Operation, reader: Operation): boolean =>
  purges.some((purge) => succeeded(purge) && purge.invoked > written.returned && purge.returned < reader.invoked);

function checkVersion(story: Story, reader: Operation, version: string, written: Operation, there: boolean): string[] {
  if (there && mustBePurged(story, written, reader)) return [`#${reader.id} still finds ${version}, which was purged`];
  if (!there && !mayBePurged(story, written, reader) && !mayBeCollected(story, written, reader))
    return [`#${reader.id} does not find ${version} of #${written.id}`];
  return [];
}

function checkListing(story: Story, reader: Operation, entries: readonly HistoryEntry[]): string[] {
  const listed = entries.map(({ version }) => version);
  const found: string[] = [];
  if (listed.toSorted().toReversed().join() !== listed.join() || new Set(listed).size !== listed.length) {
    found.push(`#${reader.id} lists versions that are not in order`);
  }
  for (const [version, written] of versionsBefore(story, reader)) {
    found.push(...checkVersion(story, reader, version, written, listed.includes(version)));
  }
  return [...found, ...checkCount(story, reader, entries)];
}

/** Whether a mutation made a version, as far as its answer says: not a deletion of nothing. */
const madeOne = ({ outcome }: Operation): boolean => outcome.type !== 'ok' || outcome.existed !== false;

/** Every mutation made one version: those that were acknowledged for sure, those of unknown outcome perhaps. */
function checkCount(
  { operations, purges, shortHistory, rotates }: Story,
  reader: Operation,
  entries: readonly HistoryEntry[],
): string[] {
  if (purges.some(({ invoked }) => invoked <= reader.returned)) return [];
  return [true, false].flatMap((deletions) => {
    const count = entries.filter(({ deleted }) => deleted === deletions).length;
    const made = operations.filter(({ action }) => (deletions ? action.type === 'delete' : WRITES.has(action.type)));
    const most = made.filter(
      // A deletion of nothing leaves one where it met a record that was never acknowledged under a retired key.
      (operation) =>
        operation.outcome.type !== 'failed' && operation.invoked <= reader.returned && (rotates || madeOne(operation)),
    ).length;
    const least = made.filter(
      (operation) => succeeded(operation) && operation.returned < reader.invoked && madeOne(operation),
    ).length;
    const what = deletions ? 'deletions' : 'versions';
    return (count < least && !shortHistory) || count > most
      ? [`#${reader.id} lists ${count} ${what} instead of ${least} to ${most}`]
      : [];
  });
}

function checkRead({ contents }: Story, reader: Operation, content: Content, wanted: string): string[] {
  const known = contents.get(wanted);
  const same =
    content.version === wanted &&
    (known?.data === undefined || known.data === content.data) &&
    (known?.tag === undefined || known.tag === content.tag);
  return same ? [] : [`#${reader.id} finds something else at ${wanted}`];
}

function checkReader(story: Story, reader: Operation): string[] {
  const { action, outcome } = reader;
  const missing = outcome.type === 'failed' && outcome.code === 'NOT_FOUND';
  if (action.type === 'history') {
    if (outcome.type === 'ok') return checkListing(story, reader, outcome.entries ?? []);
    return missing ? checkListing(story, reader, []) : [];
  }
  if (action.type !== 'retrieveVersion' && action.type !== 'restoreVersion') return [];
  const written = versionsBefore(story, reader).get(action.version);
  if (!missing && outcome.type !== 'ok') return [];
  const wrong = written === undefined ? [] : checkVersion(story, reader, action.version, written, !missing);
  if (outcome.type !== 'ok' || action.type === 'restoreVersion') return wrong;
  return [...wrong, ...checkRead(story, reader, outcome.content ?? {}, action.version)];
}

/** The history holds every acknowledged version, whole, until it is purged, and not after. */
export function history(recorded: Recorded): string[] {
  const { plan } = recorded;
  const operations = recorded.operations.filter((operation) => !isLeftBehind(recorded, operation));
  const violations: string[] = [];
  for (const [key, own] of byKey(operations)) {
    const purges = own.filter(({ action, outcome }) => action.type === 'purge' && outcome.type !== 'failed');
    const story = {
      operations: own,
      purges,
      contents: contentsOf(own),
      shortHistory: plan.shortHistory,
      rotates: plan.parts.has('rotator'),
    };
    violations.push(...own.flatMap((reader) => checkReader(story, reader).map((problem) => `${key}: ${problem}`)));
  }
  return violations;
}
