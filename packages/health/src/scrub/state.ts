import { isCount, isObject, SharedState } from '@securestore/jobs';
import type { HealthArea } from '@securestore/objects/internal';
import type { PastScrub, ScrubFinding, ScrubState } from './types.ts';

/** Names at the backend have up to 900 bytes, and a state 64 KiB. */
const MAX_FINDINGS = 50;

const EMPTY: ScrubState = { open: 0, findings: [] };

const PAST: readonly (keyof PastScrub)[] = ['started', 'ended', 'objects', 'bytes', 'found', 'repaired', 'strays'];

function isPast(value: unknown): value is PastScrub {
  return isObject(value) && PAST.every((name) => isCount(value[name]));
}

function isFinding(value: unknown): value is ScrubState['findings'][number] {
  return isObject(value) && typeof value['kind'] === 'string' && typeof value['name'] === 'string';
}

function parse({ within, last, open, findings }: Readonly<Record<string, unknown>>): ScrubState | undefined {
  if (!isCount(open) || !Array.isArray(findings) || !findings.every(isFinding)) return undefined;
  if ((within !== undefined && !isCount(within)) || (last !== undefined && !isPast(last))) return undefined;
  return { open, findings, ...(within !== undefined && { within }), ...(last !== undefined && { last }) };
}

function stateIn({ states, clock }: HealthArea): SharedState<ScrubState> {
  const kind = { what: 'what the store remembers of its scrubs', version: 1, parse };
  return new SharedState(states, clock, 'scrub', kind);
}

/** What the store remembers of its scrubs. A damaged state is none: the next scrub writes another. @throws as `SharedState.read` */
export async function readScrubState(area: HealthArea, signal?: AbortSignal): Promise<ScrubState> {
  return (await stateIn(area).read(signal)).value ?? EMPTY;
}

/** @throws as `SharedState.update` */
export async function changeScrubState(
  area: HealthArea,
  change: (state: ScrubState) => ScrubState,
  signal: AbortSignal | undefined,
): Promise<void> {
  await stateIn(area).update(({ value = EMPTY }) => {
    const state = change(value);
    const findings = state.findings.slice(0, MAX_FINDINGS).map(({ kind, name }) => ({ kind, name }));
    return { ...state, findings };
  }, signal);
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
