import { redactStoreUrl } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { ApprovalRequest, PlannedOperation, SecureStore, SessionApprovals } from 'securestore';
import { stateInWords } from './approval-text.ts';
import { withHints } from '../errors/refuse.ts';
import { isRemote } from '../store/served.ts';

/** A store over a server, as whoever asks uses it. */
type Asking = SecureStore & { readonly approvals?: SessionApprovals; readonly principal?: string };

/** What a call is given, as plans tell it: store URLs without credentials. */
function told([name, value]: [string, unknown]): [string, unknown] {
  return name === 'destination' || name === 'to' ? [name, redactStoreUrl(String(value))] : [name, value];
}

/** Whether a plan tells of the same; what is long it tells in part. */
function isSame(asked: unknown, shown: unknown): boolean {
  const isPart = typeof shown === 'string' && (Array.isArray(asked) || shown.endsWith(' characters)'));
  return isPart || JSON.stringify(asked) === JSON.stringify(shown);
}

function isOf({ plan }: ApprovalRequest, { call, about = {} }: PlannedOperation): boolean {
  if (plan?.call !== call) return false;
  const asked: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(about).map(told));
  const given = plan.about ?? {};
  const names = new Set([...Object.keys(asked), ...Object.keys(given)]);
  return [...names].every((name) => isSame(asked[name], given[name]));
}

/** The requests of whoever asks for the approval of a restore, the newest last. */
export async function ownRequests(
  store: Asking,
  operation: PlannedOperation,
  signal: AbortSignal | undefined,
): Promise<ApprovalRequest[]> {
  const { approvals, principal } = store;
  if (!isRemote(store) || approvals === undefined) return [];
  const own = (await approvals.list({ signal })).filter((request) => request.principal === principal);
  return own.filter((request) => isOf(request, operation)).toSorted((one, other) => one.created - other.created);
}

/** A refusal that does not advise a second request for what a request already waits for. */
function withoutAsking(refused: SecureStoreError, requests: readonly ApprovalRequest[]): SecureStoreError {
  const waiting = new Set<string>(requests.filter(({ state }) => state === 'waiting').map(({ action }) => action));
  if (refused.approvals?.every((action) => waiting.has(action)) !== true) return refused;
  return SecureStoreError.from(refused, { advice: refused.advice?.filter(({ id }) => id !== 'request-approval') });
}

/** The error of a restore, with what became of the requests for the approval that it takes. */
export async function withOwnRequests(
  refused: unknown,
  store: Asking,
  operation: PlannedOperation,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (!SecureStoreError.is(refused) || refused.approvals === undefined) return refused;
  try {
    const requests = await ownRequests(store, operation, signal);
    const hints = requests.map((request) => ({ text: stateInWords(request) }));
    return withHints(withoutAsking(refused, requests), ...hints);
  } catch {
    // That it was refused is said in any case.
    return refused;
  }
}
