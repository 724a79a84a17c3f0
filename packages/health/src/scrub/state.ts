import { SecureStoreError } from '@securestore/core-format';
import type { HealthArea } from '@securestore/objects';
import type { PastScrub, ScrubFinding, ScrubState } from './types.ts';

const LABEL = 'scrub';
const VERSION = 1;
const TRIES = 5;
/** Names at the backend have up to 900 bytes, and a state 64 KiB. */
const MAX_FINDINGS = 50;

const EMPTY: ScrubState = { open: 0, findings: [] };

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

const PAST: readonly (keyof PastScrub)[] = ['started', 'ended', 'objects', 'bytes', 'found', 'repaired', 'strays'];

function isPast(value: unknown): value is PastScrub {
  return isObject(value) && PAST.every((name) => isCount(value[name]));
}

function isFinding(value: unknown): value is ScrubState['findings'][number] {
  return isObject(value) && typeof value['kind'] === 'string' && typeof value['name'] === 'string';
}

/** A damaged state is none: the next scrub writes another. @throws SecureStoreError `FORMAT_VERSION` */
function decode(bytes: Uint8Array | undefined): ScrubState {
  if (bytes === undefined) return EMPTY;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return EMPTY;
  }
  if (!isObject(value)) return EMPTY;
  const { version, within, last, open, findings } = value;
  if (isCount(version) && version > VERSION) {
    throw new SecureStoreError(
      'FORMAT_VERSION',
      'what the store remembers of its scrubs is of a newer release: use that one',
    );
  }
  if (version !== VERSION || !isCount(open) || !Array.isArray(findings) || !findings.every(isFinding)) return EMPTY;
  if ((within !== undefined && !isCount(within)) || (last !== undefined && !isPast(last))) return EMPTY;
  return { open, findings, ...(within !== undefined && { within }), ...(last !== undefined && { last }) };
}

/** What the store remembers of its scrubs. @throws SecureStoreError `FORMAT_VERSION`, and what the backend throws */
export async function readScrubState(area: HealthArea, signal?: AbortSignal): Promise<ScrubState> {
  return decode((await area.readState(LABEL, signal))?.value);
}

/** @throws SecureStoreError `UNAVAILABLE` where others change it again and again; what the backend throws */
export async function changeScrubState(
  area: HealthArea,
  change: (state: ScrubState) => ScrubState,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const found = await area.readState(LABEL, signal);
    const state = change(decode(found?.value));
    const findings = state.findings.slice(0, MAX_FINDINGS).map(({ kind, name }) => ({ kind, name }));
    const bytes = Buffer.from(JSON.stringify({ version: VERSION, ...state, findings }));
    try {
      await area.writeState(LABEL, bytes, found?.etag);
      return;
    } catch (error) {
      const isUndecided = SecureStoreError.is(error) && (error.code === 'CONFLICT' || error.outcome === 'unknown');
      if (!isUndecided) throw error;
    }
  }
  throw new SecureStoreError('UNAVAILABLE', 'what is remembered of the scrub could not be written; run it again');
}

const isSame = (a: Pick<ScrubFinding, 'kind' | 'name'>, b: Pick<ScrubFinding, 'kind' | 'name'>): boolean =>
  a.kind === b.kind && a.name === b.name;

/** With what was just found: so it shows before the pass has ended. */
export function withFindings(state: ScrubState, found: readonly ScrubFinding[]): ScrubState {
  const mended = found.filter(({ repaired }) => repaired);
  const kept = state.findings.filter((one) => !mended.some((other) => isSame(one, other)));
  const gone = state.findings.length - kept.length;
  const news = found.filter((one) => !one.repaired && !kept.some((other) => isSame(one, other)));
  return { ...state, open: state.open - gone + news.length, findings: [...kept, ...news] };
}
