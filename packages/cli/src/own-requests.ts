import { redactLocation } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { ApprovalRequest, SecureStore, SessionApprovals } from 'securestore';
import { stateInWords } from './approval-text.ts';
import { isRemote } from './served.ts';

type About = Readonly<Record<string, unknown>>;

/** A store over a server, as whoever asks uses it. */
type Asking = SecureStore & { readonly approvals?: SessionApprovals; readonly principal?: string };

/** Whether a plan tells of the same; what is long it tells in part. */
function isSame(asked: unknown, told: unknown): boolean {
  const isPart = typeof told === 'string' && (Array.isArray(asked) || told.endsWith(' characters)'));
  return isPart || JSON.stringify(asked) === JSON.stringify(told);
}

function isOf({ plan }: ApprovalRequest, { source, ...asked }: About): boolean {
  if (plan?.call !== 'restore') return false;
  const { source: told, ...given } = plan.about ?? {};
  const names = new Set([...Object.keys(asked), ...Object.keys(given)]);
  return told === redactLocation(String(source)) && [...names].every((name) => isSame(asked[name], given[name]));
}

/** The requests of whoever asks for the approval of a restore, the newest last. @param about what it is given, with its source */
export async function ownRestoreRequests(
  store: Asking,
  about: About,
  signal: AbortSignal | undefined,
): Promise<ApprovalRequest[]> {
  const { approvals, principal } = store;
  if (!isRemote(store) || approvals === undefined) return [];
  const own = (await approvals.list({ signal })).filter((request) => request.principal === principal);
  return own.filter((request) => isOf(request, about)).toSorted((one, other) => one.created - other.created);
}

/** The error of a restore, with what became of the requests for the approval that it takes. */
export async function withOwnRequests(
  refused: unknown,
  store: Asking,
  about: About,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (!SecureStoreError.is(refused, 'ACCESS_DENIED') || !refused.message.includes('approval of a second person'))
    return refused;
  try {
    const told = (await ownRestoreRequests(store, about, signal)).map(stateInWords);
    return new SecureStoreError(refused.code, [refused.message, ...told].join('; '), refused);
  } catch {
    // That it was refused is said in any case.
    return refused;
  }
}
