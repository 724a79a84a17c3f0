import { SecureStoreError } from '@securestore/core-format';
import { isCount, isObject, isShallow } from './json.ts';

const VERSION = 1;
/** Of a whole state, in bytes: more than the parameters, the cursor and the rest at their largest. */
const MAX_STATE = 64 * 1024;
export const MAX_PARAMETERS: number = 16 * 1024;
export const MAX_CURSOR: number = 40 * 1024;
/** In UTF-16 code units. JSON writes each in at most six bytes. */
export const MAX_PHASE = 64;

/** How much was done. */
export interface Counters {
  readonly phase: string;
  readonly done: number;
  readonly total?: number;
  readonly bytes: number;
}

/** From where the next run continues. */
export interface SavedCursor {
  readonly cursor: unknown;
  /** What had been done at that point. */
  readonly progress: Counters;
}

/** What is stored of a job. */
export interface JobState {
  readonly kind: string;
  readonly parameters: unknown;
  /** Milliseconds since 1970 by the clock of the process that started it. */
  readonly started: number;
  /** The run that holds the lease. */
  readonly run?: string;
  /** Counts the writes of that run, so that each differs from all others. */
  readonly beat: number;
  /** Whether that run has been asked to stop. */
  readonly cancelling: boolean;
  /** How the last run ended. */
  readonly error?: string;
  readonly progress: Counters;
  readonly saved?: SavedCursor;
}

const ID = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;
const RUN = /^[a-v0-9]{26}$/;
const CODE = /^[A-Z][A-Z_]{0,39}$/;
const MAX_KIND = 40;

export function isJobId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value);
}

export function isKindName(value: unknown): value is string {
  return isJobId(value) && value.length <= MAX_KIND;
}

function encodeCounters({ phase, done, total, bytes }: Counters): object {
  return { phase, done, total, bytes };
}

/** The one encoding of `state`: JSON with its members in this order. */
export function encodeState(state: JobState): Uint8Array {
  const { kind, parameters, started, run, beat, cancelling, error, progress, saved } = state;
  const value = {
    version: VERSION,
    kind,
    parameters,
    started,
    run,
    beat,
    cancelling,
    error,
    progress: encodeCounters(progress),
    saved: saved && { cursor: saved.cursor, progress: encodeCounters(saved.progress) },
  };
  return Buffer.from(JSON.stringify(value));
}

class Malformed extends Error {}

function check(condition: boolean): asserts condition {
  if (!condition) throw new Malformed();
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  check(isObject(value));
  return value;
}

function parseCounters(value: unknown): Counters {
  const { phase, done, total, bytes } = asObject(value);
  check(typeof phase === 'string' && phase.length <= MAX_PHASE && isCount(done) && isCount(bytes));
  check(total === undefined || isCount(total));
  return { phase, done, bytes, ...(total !== undefined && { total }) };
}

function parseSaved(value: unknown): SavedCursor {
  const { cursor, progress } = asObject(value);
  check(cursor !== undefined && isShallow(cursor));
  return { cursor, progress: parseCounters(progress) };
}

function parseState(value: unknown): JobState {
  const { kind, parameters, started, run, beat, cancelling, error, progress, saved } = asObject(value);
  check(isKindName(kind) && parameters !== undefined && isShallow(parameters) && isCount(started) && isCount(beat));
  check(run === undefined || (typeof run === 'string' && RUN.test(run)));
  check(typeof cancelling === 'boolean' && (!cancelling || run !== undefined));
  check(error === undefined || (typeof error === 'string' && CODE.test(error)));
  return {
    kind,
    parameters,
    started,
    beat,
    cancelling,
    progress: parseCounters(progress),
    ...(run !== undefined && { run }),
    ...(error !== undefined && { error }),
    ...(saved !== undefined && { saved: parseSaved(saved) }),
  };
}

function parseJson(bytes: Uint8Array): unknown {
  check(bytes.length <= MAX_STATE);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new Malformed();
  }
}

/**
 * The state of job `id` from what is stored.
 *
 * @throws SecureStoreError `INTEGRITY` if it is anything that {@link encodeState} doesn't write, `FORMAT_VERSION` if a newer
 *   release wrote it
 */
export function decodeState(bytes: Uint8Array, id: string): JobState {
  try {
    const value = parseJson(bytes);
    const { version } = asObject(value);
    if (isCount(version) && version > VERSION) {
      throw new SecureStoreError(
        'FORMAT_VERSION',
        `the state of job ${id} was written by a newer release of securestore`,
        { advice: [{ id: 'use-newer-release' }, { id: 'forget-job', job: id }] },
      );
    }
    check(version === VERSION);
    const state = parseState(value);
    check(Buffer.compare(encodeState(state), bytes) === 0);
    return state;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new SecureStoreError('INTEGRITY', `the state of job ${id} is damaged`, {
      advice: [
        { id: 'start-job-again', job: id },
        { id: 'forget-job', job: id },
      ],
    });
  }
}
