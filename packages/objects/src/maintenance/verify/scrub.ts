import type { Layer, StorageBackend } from '@securestore/backend-api';
import { afterToken, AREAS } from '@securestore/core-format';
import type { Engine } from '../../engine/engine.ts';
import { withBackend } from '../../engine/engine.ts';
import { withWriteFence } from '../../engine/write-fence.ts';
import { countItems, entriesUnder } from '../../util/listing.ts';
import type { LookAhead } from './scan.ts';
import { passOver } from './scan.ts';
import type { NotRepaired } from './repair.ts';
import { lostObject, repairObject, restoreLost, whyNotRepaired } from './repair.ts';
import type { Finding, PassCounts, ForeignObject, VerifyReport } from './report.ts';
import { ReportBuilder } from './report.ts';
import type { Verification } from './verify.ts';
import { checkpointIn, countLook, loadBaseline, verifyOwn, verifyPinned } from './verify.ts';

/**
 * How long others are looked at, after the first object that seems wrong, before it is looked at again: the position stays before it until
 * then, and nothing is told of it. Looking again takes 6 s, in which nothing else is looked at.
 */
const LOOK_AHEAD: LookAhead = { objects: 200, milliseconds: 15_000 };

/** Something that was wrong, and whether it was put right. */
export interface PassFinding extends Finding {
  readonly repaired: boolean;
  /** Why the copy did not repair it, if its record of the object tells: it has none, a damaged one, or only an older version. */
  readonly notRepaired?: NotRepaired | undefined;
}

/** How a part of a pass goes. */
export interface ScrubPassOptions {
  /** Where the pass before stopped: a position that {@link onPosition} was told. */
  readonly after?: string | undefined;
  /** Stands around every reading of the pass, such as one that limits how fast it goes. */
  readonly layer?: Layer | undefined;
  /** Whether payloads are read and opened; otherwise only their lengths are compared. */
  readonly payloads: boolean;
  /** A copy of the store, as a backend, from which what is wrong is put right. */
  readonly repairFrom?: StorageBackend | undefined;
  /** Objects of that copy that the store has lost, by their tokens: read after the pass, which puts back those of which something is left. */
  readonly lost?: AsyncIterable<string> | undefined;
  /** Told of bytes of payloads as they are read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Told of what is wrong for certain, before the position after it. */
  readonly onFindings: (findings: readonly PassFinding[]) => Promise<void> | void;
  readonly onStray: (stray: ForeignObject) => void;
  /** Told of a position from which the next part can go on, and of what was looked at up to there. */
  readonly onPosition: (position: string, counts: PassCounts) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** What a pass came to, from where it began. */
export interface PassResult extends PassCounts, Pick<VerifyReport, 'baseline'> {}

/** Counts the names of objects, by listing them. */
export function countObjects(engine: Engine, signal: AbortSignal | undefined): Promise<number> {
  return countItems(entriesUnder(engine.backend, AREAS.objects, { signal }));
}

/** How many bytes the records of objects have, and their payloads, from a position on; by listing them. */
export async function bytesFrom(
  engine: Engine,
  { after, payloads, signal }: Pick<ScrubPassOptions, 'after' | 'payloads' | 'signal'>,
): Promise<number> {
  let bytes = 0;
  for (const area of [AREAS.objects, AREAS.history, ...(payloads ? [AREAS.blobs] : [])]) {
    const from = after === undefined ? undefined : afterToken(area, after);
    for await (const { size } of entriesUnder(engine.backend, area, { after: from, signal })) bytes += size;
  }
  return bytes;
}

const isSameFinding = (a: Finding, b: Finding): boolean => a.kind === b.kind && a.name === b.name;

/**
 * Reads the store from a position on, as verifying it does, and looks for payloads that nothing names. Writes nothing but
 * what it repairs.
 *
 * @throws SecureStoreError what keeps it from looking, such as `UNAVAILABLE`, `ABORTED`; `ROLLBACK`
 */
export async function scrubFrom(engine: Engine, options: ScrubPassOptions): Promise<PassResult> {
  const { after, layer, payloads, repairFrom, lost, onBytes, onFindings, onStray, onPosition, signal } = options;
  const reading = layer === undefined ? engine : withBackend(engine, layer(engine.backend));
  const report = new ReportBuilder();
  let told = 0;
  // Findings about the store as a whole are told as they come: nothing repairs them object by object.
  const tellNew = async (): Promise<void> => {
    const news = report.findings.slice(told).map((finding) => ({ ...finding, repaired: false }));
    told = report.findings.length;
    if (news.length > 0) await onFindings(news);
  };
  await engine.monitor.refresh(signal);
  engine.monitor.checkFollowing();
  const baseline = await loadBaseline(reading, report, signal);
  const verification: Verification = { engine: reading, baseline, report, signal };
  await verifyPinned(verification);
  await tellNew();
  const mending = withWriteFence(engine);
  const counted = (bytes: number): void => {
    report.bytes += bytes;
    onBytes?.(bytes);
  };
  await passOver({
    engine: reading,
    baseline,
    after,
    orphans: true,
    lookAhead: LOOK_AHEAD,
    options: { payloads, signal, onBytes: (bytes) => onBytes?.(bytes) },
    onForeign: (name) => report.addForeign(name),
    onLook: (look, bytes) => {
      countLook(report, look);
      report.bytes += bytes;
    },
    onCertain: async ({ token, findings, strays, expected }) => {
      for (const stray of strays) onStray(stray);
      if (findings.length === 0) return;
      const left =
        repairFrom === undefined
          ? findings
          : await repairObject(mending, repairFrom, { token, expected }, { onBytes: counted, signal });
      const before = await Promise.all(
        findings.map(async (finding): Promise<PassFinding> => {
          if (!left.some((one) => isSameFinding(one, finding))) return { ...finding, repaired: true };
          if (repairFrom === undefined) return { ...finding, repaired: false };
          const notRepaired = await whyNotRepaired(mending, repairFrom, token, finding, signal);
          return { ...finding, repaired: false, ...(notRepaired && { notRepaired }) };
        }),
      );
      // Mending one thing may show another that is wrong beside it.
      const others = left.filter((one) => !findings.some((finding) => isSameFinding(one, finding)));
      await onFindings([...before, ...others.map((finding) => ({ ...finding, repaired: false }))]);
    },
    onSettled: async (token) => {
      await tellNew();
      await onPosition(token, report.counts);
    },
  });
  if (repairFrom !== undefined && lost !== undefined) {
    for await (const token of lost) {
      const subject = { token, expected: await baseline.lookUp(token) };
      const finding = lostObject(engine, token);
      const left = await restoreLost(mending, repairFrom, subject, { onBytes: counted, signal });
      if (left === undefined) continue;
      // The pass has counted those that the checkpoint knows.
      if (subject.expected.entry?.kind !== 'object') report.objects += 1;
      const repaired = !left.some((one) => isSameFinding(one, finding));
      const others = left.filter((one) => !isSameFinding(one, finding));
      await onFindings([{ ...finding, repaired }, ...others.map((one) => ({ ...one, repaired: false }))]);
    }
  }
  await verifyOwn(verification);
  await tellNew();
  for (const stray of report.foreign) onStray(stray);
  const checkpoint = checkpointIn(baseline);
  return { ...report.counts, ...(checkpoint && { baseline: checkpoint }) };
}
