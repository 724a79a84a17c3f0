import type { ScrubState } from '../scrub/types.ts';
import { readScrubState } from '../scrub/state.ts';
import type { HealthThresholds } from '../report/thresholds.ts';
import { SCRUB_WITHIN } from '../report/thresholds.ts';
import type { HealthCheck, HealthSource } from '../report/types.ts';
import { finding, fine, notSetUp } from '../report/verdict.ts';
import { age as inWords, span } from '../report/words.ts';
import { isBackendKey, MAX_CLOCK_DIFFERENCE } from '@securestore/backend-api';
import type { HealthArea } from '@securestore/objects/internal';

function words(count: number, one: string, many: string): string {
  return count === 1 ? `1 ${one}` : `${count} ${many}`;
}

/** What was found, with the key of its object where that is known: the backend's name says nothing to people. */
function subjectOf(
  { kind, name }: ScrubState['findings'][number],
  keyAt: (name: string) => string | undefined,
): string {
  const key = keyAt(name);
  return `${kind} ${key === undefined ? name : `${key} (${name})`}`;
}

/**
 * Whether everything was looked at not too long ago, and what is wrong.
 *
 * @param now milliseconds since 1970
 * @param isWrittenSince whether the first finding may have been repaired since the last scrub: its name was written
 */
function judgeScrub(
  state: ScrubState,
  now: number,
  { scrubWithin }: Required<HealthThresholds>,
  keyAt: (name: string) => string | undefined,
  isWrittenSince: boolean,
): HealthCheck {
  const { last, open, within, findings } = state;
  const figures = {
    findings: open,
    ...(last !== undefined && { age: Math.max(0, now - last.ended), objects: last.objects }),
  };
  const details = { figures };
  if (open > 0) {
    const [first] = findings;
    const such = first === undefined ? '' : `${open === 1 ? ':' : ', such as'} ${subjectOf(first, keyAt)}`;
    const reason = `${words(open, 'thing is', 'things are')} not as stored${such}`;
    const repair =
      'run "securestore scrub --repair <backup>"; what that can not repair, "securestore restore <backup> --key <key> --conflict overwrite", and scrub again';
    const advice = isWrittenSince
      ? `the first was written since the last scrub: run "securestore scrub" to check again; if that finds it once more, ${repair}`
      : repair;
    return finding('scrub', 'failing', [reason, advice], details);
  }
  const limit = scrubWithin ?? within ?? SCRUB_WITHIN;
  if (last === undefined) {
    if (scrubWithin === undefined || scrubWithin === Infinity)
      return notSetUp('scrub', 'no scrub of the store has completed', details);
    const advice = 'run "securestore scrub", and see that it is run again and again';
    return finding('scrub', 'degraded', ['no scrub of the store has completed', advice], details);
  }
  const age = now - last.ended;
  // Whose clock is ahead by more than this writes nothing.
  if (age < -MAX_CLOCK_DIFFERENCE) {
    const reason = `the last scrub has a time ${span(-age)} in the future, so its age is unknown`;
    const advice =
      'see that the clocks of all who scrub are right, or who has forged that; then run "securestore scrub"';
    return finding('scrub', 'degraded', [reason, advice], details);
  }
  const what = `${words(last.objects, 'object was', 'objects were')} scrubbed ${inWords(age)} ago`;
  if (age > limit) {
    const advice = 'run "securestore scrub", or see what keeps it from ending; a greater --rate gives it more time';
    return finding('scrub', 'degraded', [`${what}: it is due after ${span(limit)}`, advice], details);
  }
  const strays =
    last.strays === 0 ? '' : `; garbage collection removes ${words(last.strays, 'foreign object', 'foreign objects')}`;
  return fine('scrub', `${what}, and nothing is wrong${strays}`, details);
}

/** Whether the finding that is shown was written since the last scrub. That a name cannot be read now shows at the backend. */
async function wasWritten(
  area: HealthArea,
  { last, findings: [first] }: ScrubState,
  signal: AbortSignal,
): Promise<boolean> {
  if (last === undefined || first === undefined || !isBackendKey(first.name)) return false;
  const written = await area.writtenAt(first.name, signal).catch(() => undefined);
  return written !== undefined && written > last.ended;
}

/** Looks at what the store remembers of its scrubs. */
export function scrubSource(area: HealthArea): HealthSource {
  return {
    names: ['scrub'],
    check: async ({ signal, thresholds, keys }) => {
      const keyAt = (name: string): string | undefined => (keys ? area.keyAt(name) : undefined);
      const state = await readScrubState(area, signal);
      return [judgeScrub(state, area.clock.now(), thresholds, keyAt, await wasWritten(area, state, signal))];
    },
  };
}
