import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import { isAction } from '../rules/actions.ts';
import type { StoredToken } from '../authentication/api-tokens.ts';
import { readPlan } from '../approval/approval-plan.ts';
import { REQUEST_STATES } from '../approval/approval-requests.ts';
import type { StoredRequest } from '../approval/approval-requests.ts';
import { parsePrincipalName } from '../rules/identity.ts';
import { EMPTY_POLICY, readPolicy } from '../rules/policy.ts';
import type { Policy } from '../rules/types.ts';

/** The most API tokens that a store keeps. */
export const MAX_TOKENS = 10_000;

/** What lies in a store: who may do what, and the tokens that prove who somebody is. */
export interface AccessDocument {
  readonly policy: Policy;
  readonly tokens: readonly StoredToken[];
  /** What waits for a second person, or was decided by one. */
  readonly requests: readonly StoredRequest[];
}

const VERSION = 1;
const EMPTY: AccessDocument = { policy: EMPTY_POLICY, tokens: [], requests: [] };
/** 8 and 32 bytes in base64url. */
const ID = /^[A-Za-z0-9_-]{11}$/;
const HASH = /^[A-Za-z0-9_-]{43}$/;

function damaged(reason: string, cause?: unknown): never {
  throw new SecureStoreError('INTEGRITY', `the access policy of the store is damaged: ${reason}`, { cause });
}

const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function tokenOf(value: unknown): StoredToken {
  const { id, principal, hash, created, expires } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof id !== 'string' || !ID.test(id) || typeof hash !== 'string' || !HASH.test(hash)) return damaged('a token');
  if (!isTime(created) || (expires !== undefined && !isTime(expires))) return damaged('the times of a token');
  const token = { id, principal: parsePrincipalName(principal), hash, created };
  return expires === undefined ? token : { ...token, expires };
}

function requestOf(value: unknown): StoredRequest {
  const fields = (value ?? {}) as Readonly<Record<string, unknown>>;
  const { id, principal, action, key, reason, created, expires, state, outdated, by } = fields;
  const plan = readPlan(fields['plan']);
  if (typeof id !== 'string' || !ID.test(id)) return damaged('a request');
  if (!isAction(action) || (key !== undefined && typeof key !== 'string')) return damaged('what is requested');
  if (reason !== undefined && typeof reason !== 'string') return damaged('the reason of a request');
  if (fields['plan'] !== undefined && plan === undefined) return damaged('the plan of a request');
  if (!isTime(created) || !isTime(expires)) return damaged('the times of a request');
  if (!REQUEST_STATES.some((known) => known === state)) return damaged('the state of a request');
  return {
    id,
    principal: parsePrincipalName(principal),
    action,
    ...(key === undefined ? {} : { key: parseStoreKey(key) }),
    ...(reason === undefined ? {} : { reason }),
    ...(plan === undefined ? {} : { plan }),
    created,
    expires,
    state: outdated === true && state === 'approved' ? 'outdated' : (state as StoredRequest['state']),
    ...(by === undefined ? {} : { by: parsePrincipalName(by) }),
  };
}

/** @throws SecureStoreError `FORMAT_VERSION` if a newer release has written it, `INTEGRITY` */
export function decodeDocument(bytes: Uint8Array | undefined): AccessDocument {
  if (bytes === undefined) return EMPTY;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    return damaged('not JSON', cause);
  }
  const { version, policy, tokens, requests = [] } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (version !== VERSION) {
    if (typeof version !== 'number') return damaged('no version');
    throw new SecureStoreError(
      'FORMAT_VERSION',
      `the access policy of the store has format version ${version}, and this release reads version ${VERSION}`,
    );
  }
  if (!Array.isArray(tokens)) return damaged('no list of tokens');
  if (!Array.isArray(requests)) return damaged('no list of requests');
  try {
    return { policy: readPolicy(policy), tokens: tokens.map(tokenOf), requests: requests.map(requestOf) };
  } catch (cause) {
    if (SecureStoreError.is(cause, 'INVALID_ARGUMENT') || SecureStoreError.is(cause, 'INVALID_KEY'))
      return damaged(cause.message, cause);
    throw cause;
  }
}

export function encodeDocument({ policy, tokens, requests }: AccessDocument): Uint8Array {
  // Releases that know no outdated approvals still read the document: to them such an approval passes nothing either.
  const stored = requests.map((request) =>
    request.state === 'outdated' ? { ...request, state: 'approved', outdated: true } : request,
  );
  return new TextEncoder().encode(JSON.stringify({ version: VERSION, policy, tokens, requests: stored }));
}
