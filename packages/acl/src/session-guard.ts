import { parseStoreKey } from '@securestore/core-format';
import type { RetrievedStream } from '@securestore/objects';
import { changesNothing } from './actions.ts';
import type { ObjectAction, StoreAction } from './actions.ts';
import type { Guard } from './administration.ts';
import type { Checks, SessionCall } from './checks.ts';
import type { Caller } from './for-callers.ts';
import { guardedStream } from './guarded-data.ts';
import { withListedNames, withoutNaming, withoutUnlistedName } from './without-names.ts';

/** Whether an object may be in a listing. What takes an approval can't be, since a listing asks for none. */
export function isShown(checks: Checks, key: string, action: ObjectAction = 'list'): boolean {
  const { allowed, needsApproval } = checks.may(action, key);
  return allowed && !needsApproval;
}

/** As whom a session calls, and what it may know of. */
export function callerOf(checks: Checks): Caller {
  return {
    principal: checks.principal,
    sees: (key) => isShown(checks, key) && isShown(checks, key, 'history'),
  };
}

function isFree(checks: Checks, action: StoreAction): boolean {
  checks.open();
  const { allowed, needsApproval } = checks.may(action);
  return allowed && !needsApproval;
}

/** Data of which no more is given once they may not be read any more. */
function guardedResult<T>(result: T, call: SessionCall, checks: Checks, still: () => void): T {
  const found = result as RetrievedStream;
  // What stands behind a session need not be a store of ours.
  if (!(found.stream instanceof ReadableStream)) return result;
  const stream = guardedStream(found.stream, async () => {
    await checks.ready(call);
    still();
  });
  return { ...found, stream } as T;
}

/** Data that nobody is given: what they come from is held for as long as they are read. */
async function givenUp(result: unknown): Promise<void> {
  const { stream } = Object(result) as Partial<RetrievedStream>;
  if (stream instanceof ReadableStream) await stream.cancel().catch(() => undefined);
}

/** Calls whose reports name objects. */
const REPORTS: ReadonlySet<SessionCall> = new Set(['backups.drill', 'backups.verify', 'restore']);

/** Decides about calls of the administration for a session. */
export function sessionGuard(checks: Checks): Guard {
  return async ({ call, action, also, about, signal, run }) => {
    await checks.ready(call, signal);
    const key = about === undefined ? undefined : parseStoreKey(about.key);
    const own = [action, ...also()];
    // What is about an object is told by that alone, unless it fails before, or takes an approval.
    const isPlain = about !== undefined && own.every((one) => isFree(checks, one));
    if (!isPlain) await checks.begin(call, undefined, own, signal);
    if (about !== undefined) await checks.begin(call, key, about.actions, signal);
    const still = (): void => {
      checks.still(call, undefined, [action]);
      if (about !== undefined) checks.still(call, key, about.actions);
    };
    const shown = (name: string): boolean => isShown(checks, name);
    const result = await Promise.resolve(run()).catch((error: unknown) => {
      throw call === 'restore' ? withoutUnlistedName(error, shown) : error;
    });
    // What only looks is as reading: what was taken away meanwhile is not told.
    try {
      if (changesNothing(action)) still();
    } catch (error) {
      await givenUp(result);
      throw error;
    }
    if (call === 'points.retrieveStream') return guardedResult(result, call, checks, still);
    if (call === 'points.receipts') return withoutNaming(result, shown, () => isFree(checks, 'verify'));
    return REPORTS.has(call) ? withListedNames(result, shown) : result;
  };
}
