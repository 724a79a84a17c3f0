import type { AdviceId } from '@securestore/core-format';
import { CALLS_THAT_ASK, shellCommand } from '@securestore/protocol';
import type { Command } from '@securestore/protocol';

/** One way to help against an error, as a server sends it: of a newer release its id may be any text. */
export interface SentAdvice {
  readonly id: string;
  /** Its parameters, all of them texts. */
  readonly [name: string]: string;
}

/** What a person at the pages can do about an error. */
export interface NextStep {
  readonly text: string;
  /** The command that does it, if the pages cannot. */
  readonly command?: string;
}

/** No error is followed by more. */
const MOST = 3;
/** A longer parameter is not shown, in characters. */
const MAX_PARAMETER = 8192;

function isAdvice(value: unknown): value is SentAdvice {
  if (typeof value !== 'object' || value === null || !('id' in value)) return false;
  return Object.values(value).every((one) => typeof one === 'string' && one.length <= MAX_PARAMETER);
}

/** The advice in what a server has sent, without what is none. */
export function adviceIn(sent: unknown): readonly SentAdvice[] {
  return Array.isArray(sent) ? sent.filter(isAdvice) : [];
}

/** A command over the server that the page is from. */
function over(operands: readonly string[], options: Command['options'] = {}): string {
  return shellCommand({ operands, options: { ...options, store: location.origin } });
}

type Rendering = (advice: SentAdvice) => NextStep;

/** What helps at these pages; what only the operators of the server can do is in its log. */
const STEPS: Readonly<Partial<Record<AdviceId, Rendering>>> = {
  'ask-for-permission': ({ action, key }) => ({
    text: `Ask an administrator of the store for the right “${action}”${key === undefined ? '' : ' on this key'}.`,
  }),
  'request-approval': ({ action = '', call = '', key }) => {
    if (CALLS_THAT_ASK.has(call)) return { text: `Ask for the approval of “${action}” where you started this.` };
    const about = key === undefined ? { operation: JSON.stringify({ call }) } : {};
    const operands = ['approval', 'request', action, ...(key === undefined ? [] : [key])];
    return { text: `To ask for the approval of “${action}”:`, command: over(operands, about) };
  },
  'ask-owner': () => ({ text: 'Ask an owner of the store, who can unlock all of it.' }),
  'give-credentials': () => ({ text: 'Sign in again.' }),
  'reopen-store': () => ({ text: 'Reload this page.' }),
  'try-again': () => ({ text: 'Wait a moment, and try again.' }),
  'wait-for-job': ({ job = '' }) => ({
    text: `Wait until the job “${job}” has ended. To see how far it is:`,
    command: over(['job', 'list']),
  }),
  'resume-job': ({ job = '' }) => ({ text: 'To resume the job:', command: over(['job', 'resume', job]) }),
  'cancel-job': ({ job = '' }) => ({ text: 'To stop the job:', command: over(['job', 'cancel', job]) }),
  'forget-job': ({ job = '' }) => ({ text: 'To give the job up:', command: over(['job', 'forget', job]) }),
  'start-job-again': () => ({ text: 'Start it again.' }),
  'list-jobs': () => ({ text: 'To list the jobs:', command: over(['job', 'list']) }),
  'repair-object': () => ({
    text: 'To repair the object from a backup:',
    command: over(['scrub'], { repair: 'BACKUP' }),
  }),
  'restore-object': () => ({ text: 'Or recover the object as it was at an earlier moment.' }),
  'choose-conflict-policy': () => ({ text: 'Choose in the plan what happens to objects that have another version.' }),
  'resume-restore': () => ({ text: 'Start the same restore again: it does what is left.' }),
  'read-again': () => ({ text: 'Reload this page to see what is stored now.' }),
};

/** What a person can do next, the best first, at most three. */
export function nextSteps(advice: readonly SentAdvice[]): readonly NextStep[] {
  return advice
    .map((one) => (Object.hasOwn(STEPS, one.id) ? STEPS[one.id as AdviceId]?.(one) : undefined))
    .filter((step) => step !== undefined)
    .slice(0, MOST);
}
