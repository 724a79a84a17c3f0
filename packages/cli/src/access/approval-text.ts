import { shellWords } from '@securestore/protocol';
import type { ApprovalPlan, ApprovalRequest } from 'securestore';
import { count, formatTime, printable } from '../terminal/terminal-text.ts';

/** What the server would do, in counts: `replace 2 objects, delete 1 object`. */
export function planCounts({ call, creates, replaces, deletes }: ApprovalPlan): string {
  if (creates === undefined && replaces === undefined && deletes === undefined) return printable(call);
  const counts: readonly (readonly [string, number | undefined])[] = [
    ['replace', replaces],
    ['delete', deletes],
    ['create', creates],
  ];
  const told = counts.flatMap(([what, number = 0]) => (number > 0 ? [`${what} ${count(number, 'object')}`] : []));
  return told.length === 0 ? 'change no object' : told.join(', ');
}

/** What the server would do, and what it is given for that, in lines. */
export function planLines(plan: ApprovalPlan | undefined): string[] {
  if (plan === undefined) return ['its plan was not computed: it permits nothing; request it again'];
  const { about = {}, objects = [], unnamed = 0 } = plan;
  const given = Object.entries(about).flatMap(([name, value]) => {
    // How a policy changes is read line by line.
    if (name === 'changes' && Array.isArray(value)) return value.map((line) => `  ${printable(String(line))}`);
    return [`  ${printable(name)}: ${printable(typeof value === 'string' ? value : JSON.stringify(value))}`];
  });
  const named = objects.map(({ key, effect }) => `  ${effect} ${printable(key)}`);
  const rest =
    unnamed > 0
      ? [`  and ${count(unnamed, 'more object')} (at most 20 are named, and none that you may not list)`]
      : [];
  return [`the store would ${planCounts(plan)}, and nothing else passes`, ...given, ...named, ...rest];
}

/** Whose request it is, and for what. */
export function requestText({ principal, action, key }: ApprovalRequest): string {
  return `${printable(principal)}: ${action}${key === undefined ? '' : ` ${printable(key)}`}`;
}

/** Why it was asked for: words of whoever asks, and said to be theirs. */
export function reasonLines({ principal, reason }: ApprovalRequest): string[] {
  return reason === undefined ? [] : [`${printable(principal)} writes: "${printable(reason)}"`];
}

/** How another person approves a request. Its ID is what a server has sent. */
export function approvalCommand({ id }: Pick<ApprovalRequest, 'id'>): string {
  return shellWords(['securestore', 'approve', id]);
}

/** What became of a request, and what to do next. */
export function stateInWords(request: ApprovalRequest): string {
  const { id, action, state, expires, by } = request;
  const what = `request ${id} for ${action}`;
  const until = formatTime(new Date(expires));
  const whom = by === undefined ? '' : ` by ${printable(by)}`;
  if (state === 'waiting')
    return `${what} waits until ${until}: another person approves it with ${approvalCommand(request)}`;
  if (state === 'approved') return `${what} is approved${whom} until ${until}`;
  if (state === 'denied') return `${what} was denied${whom}`;
  return `${what} is outdated: its effect has changed since it was approved; request it again`;
}
