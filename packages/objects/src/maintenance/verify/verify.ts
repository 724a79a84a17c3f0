import type { ListEntry } from '@securestore/backend-api';
import { AREAS, asBuffer, checkpointPageName, purposeOf, SecureStoreError, sha256 } from '@securestore/core-format';
import { Baseline } from '../../checkpoint/baseline.ts';
import { checkpointOf } from '../../checkpoint/load.ts';
import type { Engine } from '../../engine/engine.ts';
import { OWN_AREAS, ownObjects } from '../../engine/scan-sealed-objects.ts';
import type { Look } from './inspect-object.ts';
import { passOver } from './scan.ts';
import type { VerifyProgress, VerifyReport } from './report.ts';
import { ReportBuilder } from './report.ts';

export interface VerifyOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether to read all payloads too; otherwise only whether all their parts are there, with the right lengths. */
  readonly payloads?: boolean | undefined;
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
}

/** What all parts of one verification share. */
export interface Verification {
  readonly engine: Engine;
  readonly baseline: Baseline;
  readonly report: ReportBuilder;
  readonly signal: AbortSignal | undefined;
}

/** Adds what was seen of one object. */
export function countLook(report: ReportBuilder, look: Look): void {
  if (look.kind === 'object') report.objects += 1;
  if (look.kind === 'deletion') report.deleted += 1;
  report.versions += look.versions;
  report.blobs += look.blobs;
  report.parts += look.parts;
  report.unreadable += look.unreadable;
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
    return sha256(found.body).equals(digest) ? 'sound' : 'damaged';
  } catch (error) {
    // The backend itself may see that it is nothing that was written.
    if (SecureStoreError.is(error, 'INTEGRITY')) return 'damaged';
    throw error;
  }
}

/** Reads what the head pins: keyring and category map, which are as old as the head is. */
export async function verifyPinned({ engine, report, signal }: Verification): Promise<void> {
  const { references } = engine.monitor.state.head;
  for (const kind of ['keyring', 'categoryMap', 'policy', 'grants', 'destinations'] as const) {
    const reference = references[kind];
    if (reference === undefined) continue;
    const { name, digest } = reference;
    const state = await pinnedState(engine, name, asBuffer(digest), signal);
    if (state === 'sound') continue;
    await engine.monitor.refresh(signal);
    // It is removed when another one has taken its place.
    if (engine.monitor.state.head.references[kind]?.name !== name) continue;
    const message = `the object that the head names is ${state === 'hidden' ? 'missing' : 'damaged'}`;
    report.add([{ kind: state, name, message }]);
  }
}

/** Looks at what the store keeps for itself, except for what the baseline has read already. */
export async function verifyOwn({ engine, baseline, report, signal }: Verification): Promise<void> {
  const pages = baseline.root?.pages.map(({ id }) => checkpointPageName(id));
  const { checkpoint } = engine.monitor.state.head.references;
  const read = new Set(checkpoint === undefined ? pages : [...(pages ?? []), checkpoint.name]);
  const wanted = ({ key }: ListEntry): boolean => !read.has(key);
  for (const area of OWN_AREAS) {
    for await (const { name, keyId } of ownObjects(engine, area, { signal, wanted })) {
      if (keyId !== undefined) continue;
      const what = purposeOf(name) === undefined ? 'the name is invalid' : 'the object is not what was stored';
      report.addForeignObject({
        name,
        message: `${what}. No object depends on it, and garbage collection removes it once it is old.`,
      });
    }
  }
}

/**
 * Reads every record, as retrieving it would, and holds the store against its newest checkpoint. Writes nothing. Writers
 * may go on meanwhile: what seems wrong is looked at again 6 s later.
 *
 * @param anchored whether the head has been compared with what is remembered outside the store
 * @throws SecureStoreError what keeps it from looking, such as `UNAVAILABLE`, `ABORTED`; `ROLLBACK` if the head of the
 *   store is older than one seen before
 */
export async function verifyStore(engine: Engine, anchored: boolean, options: VerifyOptions): Promise<VerifyReport> {
  const { signal, payloads = false, onProgress } = options;
  const report = new ReportBuilder();
  await engine.monitor.refresh(signal);
  engine.monitor.checkFollowing();
  const baseline = await loadBaseline(engine, report, signal);
  const total = checkpointIn(baseline)?.entries;
  let done = 0;
  const tell = (): void => {
    // What was stored since the checkpoint makes its count too small.
    const isKnown = total !== undefined && done <= total;
    onProgress?.({ done, bytes: report.bytes, ...(isKnown && { total }) });
  };
  const onBytes = (bytes: number): void => {
    report.bytes += bytes;
    tell();
  };
  const verification = { engine, baseline, report, signal };
  await verifyPinned(verification);
  await passOver({
    engine,
    baseline,
    options: { payloads, onBytes, signal },
    onForeign: (name) => report.addForeign(name),
    onLook: (look) => {
      countLook(report, look);
      done += 1;
      tell();
    },
    onCertain: async ({ findings }) => report.add(findings),
  });
  await verifyOwn(verification);
  const checkpoint = checkpointIn(baseline);
  return report.finish({ anchored, ...(checkpoint && { baseline: checkpoint }) });
}

/** The checkpoint to hold the store against; what is wrong with it is reported. */
export async function loadBaseline(
  engine: Engine,
  report: ReportBuilder,
  signal: AbortSignal | undefined,
): Promise<Baseline> {
  const onDamaged = (error: SecureStoreError): void => {
    const name = checkpointOf(engine.monitor.state.head)?.reference.name ?? AREAS.checkpoints;
    report.add([{ kind: 'damaged', name, message: error.message }]);
  };
  return Baseline.load(engine, onDamaged, signal);
}

/** The checkpoint that a store was held against, for a report; `undefined` without one. */
export function checkpointIn({ root }: Baseline): VerifyReport['baseline'] {
  if (root === undefined) return undefined;
  const { object, tombstone, purged } = root.totals;
  return { time: new Date(root.time), entries: object + tombstone + purged };
}
