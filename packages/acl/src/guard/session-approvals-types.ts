import type { CallOptions } from '@securestore/objects';
import type { Action } from '../rules/actions.ts';
import type { ApprovalRequest, ApproveOptions } from '../approval/approval-requests.ts';
import type { PlannedOperation } from '../administration/call-plan.ts';

export interface RequestOptions extends CallOptions {
  /** Why, for whoever decides; at most 500 characters. */
  readonly reason?: string | undefined;
  /** Of an object: the version that is to be read or made current again; by default the current one, or the newest before the deletion. */
  readonly version?: string | undefined;
  /** To read an object as it was at that time, in the place of `version`. */
  readonly at?: Date | undefined;
  /** The call that is to be approved, with what it is given; needed if the action is that of several calls. */
  readonly operation?: PlannedOperation | undefined;
  /** Until when it waits; by default for a day, at least for ten minutes, and at most for 30 days. */
  readonly expires?: Date | undefined;
}

/** What takes a second person, as one principal asks for it and decides about what others ask for. */
export interface SessionApprovals {
  /**
   * Asks for the approval of one attempt. The store works out what the attempt would do now, and the approval is of that: it is used up by the first
   * attempt of this principal at that action on that key that would still do exactly this.
   *
   * @param key absent for what concerns the whole store
   * @throws SecureStoreError `ACCESS_DENIED` for what the rules don't allow; `INVALID_ARGUMENT`, also for what takes no approval;
   *   `TOO_LARGE` where 20 requests of this principal, or 1000 of all, are not over, and for a restore of more than 250,000 changes;
   *   what finding out what it would do throws
   */
  request(action: Action, key?: string, options?: RequestOptions): Promise<ApprovalRequest>;
  /** The requests of this principal that are not used or over, and those that it may decide about. */
  list(options?: CallOptions): Promise<ApprovalRequest[]>;
  /**
   * Lets the one who asked do it once, if the rules still allow it to them then. It takes `approve` on the key, or for what
   * concerns the store on the whole store.
   *
   * @throws SecureStoreError `ACCESS_DENIED`, also for one's own requests; `NOT_FOUND`; `CONFLICT` where it has been decided, or is outdated
   */
  approve(id: string, options?: ApproveOptions): Promise<ApprovalRequest>;
  /** Refuses it, or takes back an approval that is not used yet. @throws as {@link approve} */
  deny(id: string, options?: CallOptions): Promise<ApprovalRequest>;
}
