import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { AREAS } from '@securestore/core-format';
import type { Engine } from '../../engine/engine.ts';
import { passOver } from '../../maintenance/verify/scan.ts';
import type { Finding } from '../../maintenance/verify/report.ts';
import { ReportBuilder } from '../../maintenance/verify/report.ts';
import { loadBaseline } from '../../maintenance/verify/verify.ts';
import { readOnly } from '../copy/read-only-backend.ts';

/** The records, histories and payloads of `target`, and of everything else what the store has. */
export function copyView(store: StorageBackend, target: StorageBackend): StorageBackend {
  const of = (name: string): StorageBackend =>
    [AREAS.objects, AREAS.history, AREAS.blobs].some((area) => name.startsWith(area)) ? target : store;
  return forwardTo(store, {
    read: (name, options) => of(name).read(name, options),
    list: (prefix, options) => of(prefix).list(prefix, options),
    write: readOnly,
    delete: readOnly,
    batch: readOnly,
    deleteMany: readOnly,
  });
}

/** A backend of which somebody is told of each current record that is read. */
export function withReadObserver(
  inner: StorageBackend,
  onRecord: (token: string, record: Uint8Array) => Promise<void>,
): StorageBackend {
  return forwardTo(inner, {
    async read(name, options) {
      const found = await inner.read(name, options);
      if (found !== undefined && name.startsWith(AREAS.objects)) {
        await onRecord(name.slice(AREAS.objects.length), found.body);
      }
      return found;
    },
  });
}

/** How a copy, or the store, is looked at. */
export interface VerifyRecordsOptions {
  /** Told of each object that was looked at. */
  readonly onLooked: () => void;
  /** Of which objects payloads are read and opened; by default of none. */
  readonly payloads?: ((token: string) => boolean) | undefined;
  /** Told of bytes of payloads as they are read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Whether something is reported already: it is not looked at again, and not found. */
  readonly isKnown?: ((finding: Finding) => boolean) | undefined;
}

/** What looking over a copy, or the store, has found. */
export interface VerifiedRecords {
  /** The first 1,000 of it. */
  readonly findings: readonly Finding[];
  /** How much it is in all. */
  readonly found: number;
}

/** Reads every record of a store, and holds it against the checkpoint of that. @returns what is wrong */
export async function verifyRecords(
  engine: Engine,
  { onLooked, payloads, onBytes, isKnown }: VerifyRecordsOptions,
  signal: AbortSignal | undefined,
): Promise<VerifiedRecords> {
  const report = new ReportBuilder();
  await engine.monitor.refresh(signal);
  const baseline = await loadBaseline(engine, report, signal);
  await passOver({
    engine,
    baseline,
    options: { payloads: payloads ?? false, onBytes: onBytes ?? (() => undefined), signal },
    isKnown,
    onForeign: (name) => report.addForeign(name),
    onLook: onLooked,
    onCertain: async ({ findings }) => report.add(findings),
  });
  const { findings, found } = report;
  return { findings, found };
}
