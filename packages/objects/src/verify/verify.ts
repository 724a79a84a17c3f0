import { createHash } from 'node:crypto';
import type { ListEntry } from '@securestore/backend-api';
import type { CheckpointEntry } from '@securestore/core-format';
import {
  AREAS,
  asBuffer,
  checkpointPageName,
  historyPrefix,
  purposeOf,
  SecureStoreError,
} from '@securestore/core-format';
import { Baseline } from '../checkpoint/baseline.ts';
import { joinByToken } from '../checkpoint/in-order.ts';
import { checkpointOf } from '../checkpoint/sealed.ts';
import type { Engine } from '../engine.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { OWN_AREAS, ownObjects } from '../own-objects.ts';
import { entriesUnder, pagesUnder } from '../pages.ts';
import type { Look, LookOptions } from './object.ts';
import { lookAtObject } from './object.ts';
import type { Finding, VerifyProgress, VerifyReport } from './report.ts';
import { ReportBuilder } from './report.ts';

export interface VerifyOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether to read all payloads too; otherwise only whether all their parts are there, with the right lengths. */
  readonly payloads?: boolean | undefined;
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
}

const OBJECTS_AT_ONCE = 16;

/** So many objects that seem wrong are looked at again together. */
const SUSPECTS_AT_ONCE = 1000;

/** How often an object that seems wrong in another way each time is looked at. */
const MAX_LOOKS = 6;

/** What all parts of one verification share. */
interface Verification {
  readonly engine: Engine;
  readonly baseline: Baseline;
  readonly report: ReportBuilder;
  readonly options: LookOptions;
}

/** An object that seems wrong, and how. */
interface Suspect {
  readonly token: string;
  readonly findings: readonly Finding[];
}

interface History {
  readonly token: string;
  /** Newest first. */
  readonly names: string[];
}

const OF = './@';

async function* listedTokens({ engine, options }: Verification): AsyncGenerator<{ token: string }> {
  for await (const { key } of entriesUnder(engine.backend, AREAS.objects, { signal: options.signal })) {
    yield { token: key.slice(AREAS.objects.length) };
  }
}

/** The history of each object, in the order of their tokens, as `.` sorts below all bytes of a token. */
async function* listedHistories({ engine, report, options }: Verification): AsyncGenerator<History> {
  let history: History | undefined;
  for await (const { key } of entriesUnder(engine.backend, AREAS.history, { signal: options.signal })) {
    const end = key.lastIndexOf(OF);
    if (end < AREAS.history.length) {
      report.add([{ kind: 'damaged', name: key, message: 'the history holds a name that this store did not make' }]);
      continue;
    }
    const token = key.slice(AREAS.history.length, end);
    if (history !== undefined && history.token !== token) yield history;
    if (history?.token !== token) history = { token, names: [] };
    history.names.push(key);
  }
  if (history !== undefined) yield history;
}

async function historyNames(engine: Engine, token: string, signal: AbortSignal | undefined): Promise<string[]> {
  const names: string[] = [];
  for await (const page of pagesUnder(engine.backend, historyPrefix(token), signal)) names.push(...page);
  return names;
}

/** Looks at an object once more. Whatever came before the version that is current now is in its history by then. */
async function lookAgain({ engine, baseline, options }: Verification, token: string): Promise<Look> {
  const expected = await baseline.lookUp(token);
  const history = (): Promise<string[]> => historyNames(engine, token, options.signal);
  return lookAtObject(engine, { token, history, expected }, options);
}

const sameFindings = (a: readonly Finding[], b: readonly Finding[]): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * Looks again at what seems wrong, once nothing is under way any more that was then. What seems wrong in another way each
 * time is being changed, as by a purge.
 */
async function confirm(verification: Verification, suspects: readonly Suspect[]): Promise<void> {
  const { engine, baseline, report, options } = verification;
  let left = suspects;
  for (let looks = 2; left.length > 0; looks++) {
    await engine.watcher.settle(options.signal);
    await baseline.follow();
    const again: Suspect[] = [];
    for (const { token, findings } of left) {
      const look = await lookAgain(verification, token);
      if (look.findings.length === 0) continue;
      if (looks === MAX_LOOKS || sameFindings(look.findings, findings)) report.add(look.findings);
      else again.push({ token, findings: look.findings });
    }
    left = again;
  }
}

function count(report: ReportBuilder, look: Look): void {
  if (look.kind === 'object') report.objects += 1;
  if (look.kind === 'deletion') report.deleted += 1;
  report.versions += look.versions;
  report.blobs += look.blobs;
  report.parts += look.parts;
  report.unreadable += look.unreadable;
}

async function verifyObjects(verification: Verification, onDone: (() => void) | undefined): Promise<void> {
  const { engine, baseline, report, options } = verification;
  const joined = joinByToken<{ entry: CheckpointEntry; listed: { token: string }; history: History }>({
    entry: baseline.entries(),
    listed: listedTokens(verification),
    history: listedHistories(verification),
  });
  const looks = mapConcurrently(joined, OBJECTS_AT_ONCE, async ({ token, entry, history }) => {
    const expected = baseline.expect(token, entry);
    const names = async (): Promise<string[]> => history?.names ?? [];
    return { token, look: await lookAtObject(engine, { token, history: names, expected }, options) };
  });
  let suspects: Suspect[] = [];
  for await (const { token, look } of looks) {
    options.signal?.throwIfAborted();
    const wait = engine.watcher.acknowledge(options.signal);
    if (wait !== undefined) await wait;
    count(report, look);
    onDone?.();
    if (look.findings.length > 0) suspects.push({ token, findings: look.findings });
    if (suspects.length < SUSPECTS_AT_ONCE) continue;
    await confirm(verification, suspects);
    suspects = [];
  }
  await confirm(verification, suspects);
}

async function pinnedState(
  { backend }: Engine,
  name: string,
  digest: Buffer,
  signal: AbortSignal | undefined,
): Promise<'sound' | 'hidden' | 'damaged'> {
  try {
    const found = await backend.read(name, { signal });
    if (found === undefined) return 'hidden';
    return createHash('sha256').update(found.body).digest().equals(digest) ? 'sound' : 'damaged';
  } catch (error) {
    // The backend itself may see that it is nothing that was written.
    if (SecureStoreError.is(error, 'INTEGRITY')) return 'damaged';
    throw error;
  }
}

/** Reads what the head pins: keyring and category map, which are as old as the head is. */
async function verifyPinned({ engine, report, options }: Verification): Promise<void> {
  const { references } = engine.watcher.state.head;
  for (const kind of ['keyring', 'categoryMap', 'policy', 'grants', 'destinations'] as const) {
    const reference = references[kind];
    if (reference === undefined) continue;
    const { name, digest } = reference;
    const state = await pinnedState(engine, name, asBuffer(digest), options.signal);
    if (state === 'sound') continue;
    await engine.watcher.refresh(options.signal);
    // It is removed when another one has taken its place.
    if (engine.watcher.state.head.references[kind]?.name !== name) continue;
    const message = state === 'hidden' ? 'it is missing, and the head names it' : 'it is not what the head names';
    report.add([{ kind: state, name, message }]);
  }
}

/** Looks at what the store keeps for itself, except for what the baseline has read already. */
async function verifyOwn({ engine, baseline, report, options }: Verification): Promise<void> {
  const { signal } = options;
  const pages = baseline.root?.pages.map(({ id }) => checkpointPageName(id));
  const { checkpoint } = engine.watcher.state.head.references;
  const read = new Set(checkpoint === undefined ? pages : [...(pages ?? []), checkpoint.name]);
  const wanted = ({ key }: ListEntry): boolean => !read.has(key);
  for (const area of OWN_AREAS) {
    for await (const { name, keyId } of ownObjects(engine, area, { signal, wanted })) {
      if (keyId !== undefined) continue;
      const what = purposeOf(name) === undefined ? 'no store makes such a name' : 'it is not what was written there';
      report.addStray({
        name,
        message: `${what}; no object depends on it, and a collection removes it once it is old`,
      });
    }
  }
}

/**
 * Reads every record, as retrieving it would, and holds the store against its newest checkpoint. Writes nothing. Writers
 * may go on meanwhile: what seems wrong is looked at again 6 s later.
 *
 * @param anchored whether the head has been compared with what is remembered outside the store
 * @throws SecureStoreError what keeps it from looking, such as `UNAVAILABLE`, `ABORTED`; `ROLLBACK` where the head of the
 *   store is older than one seen before
 */
export async function verifyStore(engine: Engine, anchored: boolean, options: VerifyOptions): Promise<VerifyReport> {
  const { signal, payloads = false, onProgress } = options;
  const report = new ReportBuilder();
  await engine.watcher.refresh(signal);
  engine.watcher.checkFollowing();
  const onDamaged = (error: SecureStoreError): void => {
    const name = checkpointOf(engine.watcher.state.head)?.reference.name ?? AREAS.checkpoints;
    report.add([{ kind: 'damaged', name, message: error.message }]);
  };
  const baseline = await Baseline.load(engine, onDamaged, signal);
  const total = entriesOf(baseline);
  let done = 0;
  const tell = (): void => onProgress?.({ done, bytes: report.bytes, ...(total === undefined ? {} : { total }) });
  const onBytes = (bytes: number): void => {
    report.bytes += bytes;
    tell();
  };
  const verification = { engine, baseline, report, options: { payloads, onBytes, signal } };
  await verifyPinned(verification);
  await verifyObjects(verification, () => {
    done += 1;
    tell();
  });
  await verifyOwn(verification);
  const { root } = baseline;
  const entries = entriesOf(baseline);
  if (root === undefined || entries === undefined) return report.finish({ anchored });
  return report.finish({ anchored, baseline: { time: new Date(root.time), entries } });
}

function entriesOf({ root }: Baseline): number | undefined {
  return root && root.totals.object + root.totals.tombstone + root.totals.purged;
}
