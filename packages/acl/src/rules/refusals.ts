import { SecureStoreError } from '@securestore/core-format';
import type { ItemResult, RetrieveOptions, StoreOptions } from '@securestore/objects';
import type { Action, ObjectAction } from './actions.ts';

const onKey = (key: string | undefined): string => (key === undefined ? '' : ' on this key');

/** @param key absent if the action is about the whole store */
export function denied(call: string, action: Action, key: string | undefined): SecureStoreError {
  return new SecureStoreError('ACCESS_DENIED', `${action}${onKey(key)} is not allowed`, {
    operation: call,
    key,
    advice: [{ id: 'ask-for-permission', action, key }],
  });
}

/**
 * The error for what the rules allow with an approval alone.
 *
 * @param hasChanged whether an approval exists, of what the attempt would have done before
 */
export function unapproved(
  call: string,
  actions: readonly Action[],
  key: string | undefined,
  hasChanged = false,
): SecureStoreError {
  const takes = `${actions.join(' and ')}${onKey(key)} ${actions.length === 1 ? 'takes' : 'take'}`;
  const message = hasChanged
    ? `${takes} a new approval: the approved plan is not what the call would do now. Nothing was changed.`
    : `${takes} the approval of a second person`;
  const advice = actions.map((action) => ({ id: 'request-approval', action, call, key }) as const);
  return new SecureStoreError('ACCESS_DENIED', message, { operation: call, key, approvals: actions, advice });
}

/** Why a session takes no more of the data, or of the items, of a call. */
const REFUSALS: readonly string[] = ['ACCESS_DENIED', 'UNAUTHENTICATED', 'UNAVAILABLE'];

/** Where data were refused while they were taken, the refusal, and not what the store makes of a source that fails. */
export function refusalIn(error: unknown): unknown {
  const cause = SecureStoreError.is(error, 'INVALID_ARGUMENT') ? error.cause : undefined;
  return SecureStoreError.is(cause) && REFUSALS.includes(cause.code) ? cause : error;
}

export function unwrapped<T>(result: ItemResult<T>): ItemResult<T> {
  const refusal = result.ok ? undefined : refusalIn(result.error);
  return SecureStoreError.is(refusal) ? { key: result.key, ok: false, error: refusal } : result;
}

/** Options that stay as they are: what is asked about is what is read, whatever they say when they are asked twice. */
export function askedOnce<T extends RetrieveOptions>(options: T | undefined): T | undefined {
  if (options === undefined) return undefined;
  const { version, at } = options;
  return { ...options, ...(version === undefined ? {} : { version }), ...(at === undefined ? {} : { at }) };
}

/** What it takes beside reading to see what an object was. */
export function ofThePast(options: RetrieveOptions | undefined): readonly ObjectAction[] {
  return options?.version === undefined && options?.at === undefined ? [] : ['history'];
}

/** What is stored for less than this time, in milliseconds, is as good as deleted: nobody could see to it before. */
const SHORT = 24 * 60 * 60 * 1000;

/** As {@link askedOnce}, for what is stored. */
export function storedOnce<T extends Pick<StoreOptions, 'expires'> | undefined>(given: T): T {
  if (given === undefined) return given;
  const copy = { ...given };
  return copy.expires instanceof Date ? { ...copy, expires: new Date(copy.expires) } : copy;
}

/**
 * What it takes beside writing to store an object: one that soon expires in the place of another deletes that.
 *
 * @param now milliseconds since 1970
 */
export function ofDeletion(
  options: Pick<StoreOptions, 'expires' | 'ifAbsent'> | undefined,
  now: number,
): readonly ObjectAction[] {
  const { expires, ifAbsent } = options ?? {};
  const isShort = expires instanceof Date && expires.getTime() < now + SHORT;
  return isShort && ifAbsent !== true ? ['delete'] : [];
}
