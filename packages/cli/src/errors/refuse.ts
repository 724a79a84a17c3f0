import { similarTo } from '@securestore/backend-api';
import { type ErrorCode, type ErrorDetails, SecureStoreError } from '@securestore/core-format';
import { actionSynonymOf, DESTROYING_ACTIONS } from '../options/synonyms.ts';
import type { OwnHint } from './hints.ts';

/** The hints of a command for a failure, in addition to the advice of the library. */
interface RefusalDetails extends ErrorDetails {
  readonly hints?: readonly OwnHint[] | undefined;
}

/** The hints of the command line for an error, beside the error itself: no other program renders them. */
const HINTS = new WeakMap<object, readonly OwnHint[]>();

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** The hints of the command line for an error. */
export function ownHintsOf(error: unknown): readonly OwnHint[] {
  if (!isObject(error)) return [];
  // The library makes another error of one that a callback threw, such as to name the store, and keeps its cause.
  const cause = 'cause' in error && isObject(error.cause) ? error.cause : error;
  return HINTS.get(error) ?? HINTS.get(cause) ?? [];
}

/** `error` with further hints, the best first. */
export function withHints<E>(error: E, ...hints: readonly OwnHint[]): E {
  if (isObject(error)) HINTS.set(error, [...hints, ...ownHintsOf(error)]);
  return error;
}

/** An error of the command line itself. */
export function refusal(
  code: ErrorCode,
  message: string,
  { hints = [], ...details }: RefusalDetails = {},
): SecureStoreError {
  const cause = hints.length === 0 || isObject(details.cause) ? details.cause : {};
  if (isObject(cause) && hints.length > 0) HINTS.set(cause, hints);
  return new SecureStoreError(code, message, { ...details, cause });
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function refuse(message: string, ...hints: readonly OwnHint[]): never {
  throw refusal('INVALID_ARGUMENT', message, { hints });
}

/** For an object that is in the way. */
export const TO_REPLACE: OwnHint = { text: 'to replace it, add --overwrite; its history keeps the present version' };

/** How a command is used. */
export function usageHint(verb: string): OwnHint {
  return { text: 'to see how to use it', command: `securestore help ${verb}` };
}

/** Why an action is refused. The one given is not repeated: it may be a secret that was taken for an operand. */
export function wrongAction(verb: string, actions: readonly string[]): string {
  const last = actions.at(-1) ?? '';
  const choice = actions.length > 1 ? `${actions.slice(0, -1).join(', ')} or ${last}` : last;
  return `the action of ${verb} must be ${choice}`;
}

/** The action that a person may have meant by one that the noun does not have, if that is known. */
export function actionHints(noun: string, actions: readonly string[], given: string): OwnHint[] {
  const spelt = actions.filter((one) => !DESTROYING_ACTIONS.has(one));
  const meant = actionSynonymOf(given, actions) ?? similarTo(given, spelt);
  if (meant === undefined) return [];
  return [{ text: `did you mean ${noun} ${meant}`, command: `securestore help ${noun} ${meant}` }];
}
