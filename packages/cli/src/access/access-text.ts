import type { ApprovalRule, Rule } from 'securestore';
import { formatTime, printable } from '../terminal/terminal-text.ts';

/** What a rule is about. */
export function scopeText({ actions, keys, categories }: ApprovalRule): string {
  const parts = [
    actions.join(' '),
    ...(keys === undefined ? [] : ['on', keys.map(printable).join(' ')]),
    ...(categories === undefined ? [] : ['in', categories.map(printable).join(' ')]),
  ];
  return parts.join(' ');
}

export function ruleText(rule: Rule): string {
  const until = rule.expires === undefined ? '' : ` until ${formatTime(new Date(rule.expires))}`;
  return `${rule.effect} ${scopeText(rule)}${until}`;
}

/** Lists of names that may hold commas. */
export function splitNames(lists: readonly string[]): string[] {
  return lists.flatMap((list) => list.split(',')).filter(Boolean);
}

/** Said after a change of who may do what. */
export const FOLLOWING = 'Processes that have the store open follow within five seconds.';

/** What the owner is called in the audit log and in receipts, where it is no name that a principal can have. */
const OWNER = '[owner]';

/** Who did something, for people: `owner` is the owner, and a principal whose name looks like it is in quotation marks. */
export function principalText(principal: string): string {
  if (principal === OWNER) return 'owner';
  return principal.normalize('NFKC').trim().toLowerCase() === 'owner' ? `"${principal}"` : principal;
}
