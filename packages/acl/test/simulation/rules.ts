import { ownerKeys } from '../../../objects/src/head/unlock/owner-keys.ts';
import { generationOf, systemContext } from '@securestore/core-format';
import type { Head } from '@securestore/core-format';
import { openSystemBody, unversioned } from '@securestore/crypto';
import type { AccessDocument } from '../../src/document/document.ts';
import { mayDo } from '../support/reference.ts';
import type { Recorded, Verdict } from './world.ts';

/** How old what a process knows of the policy may be, in milliseconds, and what clocks may drift in that. */
export const FRESH_FOR = 5010;

/** A policy, and the time in which it was the one of record. */
interface Reign {
  readonly document: AccessDocument;
  readonly from: number;
  readonly to: number;
}

/** What a head says about access, opened without the code that is tested. */
function documentOf({ image, policies }: Recorded, { references, suites, instance }: Head): AccessDocument {
  const name = references.policy?.name ?? '';
  const key = unversioned(ownerKeys(image).policy);
  const context = systemContext(instance, generationOf(name) ?? 0, name);
  const opened = openSystemBody(name, key, suites, 'policy', context, policies.get(name) ?? new Uint8Array());
  return JSON.parse(opened.toString()) as AccessDocument;
}

function reignsOf(recorded: Recorded): Reign[] {
  const { heads } = recorded;
  return heads.map(({ time, head }, index) => ({
    document: documentOf(recorded, head),
    from: time,
    to: heads[index + 1]?.time ?? Number.POSITIVE_INFINITY,
  }));
}

/** When the newest change landed that a process had made, and knew to be made, before a time. */
function ownSince({ changes, heads }: Recorded, { process, since }: Verdict): number {
  const known = changes.findLast((change) => change.process === process && change.acknowledged < since);
  if (known === undefined) return Number.NEGATIVE_INFINITY;
  const { begun, acknowledged } = known;
  const landed = heads.findLast((head) => head.process === process && head.time >= begun && head.time <= acknowledged);
  if (landed === undefined) throw new Error(`${process} was told of a change that never landed`);
  return landed.time;
}

/** Whether a policy gives an answer when the clock shows `now`. */
function says({ policy, tokens }: AccessDocument, { actor, answer, action, key }: Verdict, now: number): boolean {
  const { principal, token } = actor;
  const known = token && tokens.find(({ id }) => id === token.id);
  const isKnown = token === undefined || (known !== undefined && (known.expires ?? Infinity) > now);
  if (answer === 'unauthenticated') return !isKnown;
  if (action === undefined) return isKnown;
  const who = { name: principal, looksLike: principal, claimed: [] };
  const may = mayDo(policy, who, { action, key, category: undefined }, now);
  return answer === 'allowed' ? isKnown && may : !may;
}

/** All times at which something of a policy ends. */
function endsIn({ policy, tokens }: AccessDocument): number[] {
  const all = [
    ...tokens,
    ...policy.principals.flatMap(({ grants }) => grants),
    ...policy.roles.flatMap(({ rules }) => rules),
  ];
  return all.flatMap(({ expires }) => expires ?? []);
}

function isExplained(recorded: Recorded, reigns: readonly Reign[], verdict: Verdict): boolean {
  const clock = recorded.clocks.get(verdict.process);
  const earliest = Math.max(verdict.from, ownSince(recorded, verdict));
  return reigns.some(({ document, from, to }) => {
    const begun = Math.max(from, earliest);
    const ended = Math.min(to, verdict.to);
    // At the moment at which it ends the next one holds.
    if (clock === undefined || begun > ended || begun === to) return false;
    // What is known of the policy may be old by then, but not the time.
    return clock
      .spans(begun, verdict.to)
      .some(([first, last]) =>
        [first, last, ...endsIn(document).filter((end) => end > first && end <= last)].some((now) =>
          says(document, verdict, now),
        ),
      );
  });
}

/**
 * Whatever was allowed or denied was so by the policy of record at an instant from five seconds before it was asked for
 * until it was answered, and after whatever the process itself had changed by then.
 */
export function verdicts(recorded: Recorded): string[] {
  const reigns = reignsOf(recorded);
  return recorded.verdicts
    .filter((verdict) => !isExplained(recorded, reigns, verdict))
    .map(({ process, what, actor, answer, action = '', key = '', from, to }) => {
      const between = `${Math.round(from)} and ${Math.round(to)} ms`;
      return `${process}, ${what}: ${actor.principal} was ${answer} ${action} ${key}, as no policy between ${between} says`;
    });
}
