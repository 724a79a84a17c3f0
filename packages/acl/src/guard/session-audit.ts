import type { EntriesOptions, TrailEntry } from '@securestore/audit';
import { SecureStoreError } from '@securestore/core-format';
import { withOneEnd } from '@securestore/objects/internal';
import { planOf } from '../approval/approval-plan.ts';
import type { AuditAdministration } from '../administration/administration.ts';
import type { Checks, Planner } from './checks.ts';

/** Who did what, as a session may look at it and switch it on and off. */
export interface SessionAudit extends AuditAdministration {
  /**
   * The newest entries, and with `follow` those that come, until `signal` aborts, which then is no error, or `timeout` ends it. It is one attempt, however long it
   * goes on; what was taken away meanwhile counts with the next entry.
   *
   * @throws SecureStoreError `ACCESS_DENIED`, `UNAUTHENTICATED`; as `audit.tail` of a store
   */
  tail(options?: EntriesOptions): AsyncGenerator<TrailEntry>;
}

const CALL = 'audit.tail';
/** It only looks. */
const plan: Planner = async (action) => ({ plan: planOf({ call: action, bound: null }) });

/** @param guarded the calls that are promises @param audit what is behind the session, if anything is */
export function sessionAudit(
  guarded: AuditAdministration,
  audit: Partial<SessionAudit> | undefined,
  checks: Checks,
): SessionAudit {
  async function* tail(given?: EntriesOptions): AsyncGenerator<TrailEntry> {
    // The log is told of both ends: a signal ends following it in peace, and a timeout does not.
    const options = { ...given };
    const signal = withOneEnd(options)?.signal;
    await checks.ready(CALL, signal);
    await checks.begin(CALL, undefined, ['audit.view'], signal, plan);
    if (typeof audit?.tail !== 'function') {
      throw new SecureStoreError('UNSUPPORTED', `the store of this session does not have the call ${CALL}`);
    }
    for await (const entry of audit.tail(options)) {
      await checks.ready(CALL, signal);
      checks.still(CALL, undefined, ['audit.view']);
      yield entry;
    }
  }
  return { ...guarded, tail };
}
