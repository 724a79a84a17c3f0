import { createHmac } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions } from '@securestore/objects';
import type { PolicyObject } from '@securestore/objects/internal';
import { inTime } from '@securestore/objects/internal';
import { randomId } from '../authentication/api-tokens.ts';
import type { NewRequest, StoredRequest, Verdict, Wanted } from '../approval/approval-requests.ts';
import {
  approvalsFor,
  approvalsOfOtherPlans,
  decided,
  liveRequests,
  newRequest,
  outdatedBy,
  withRequest,
} from '../approval/approval-requests.ts';
import type { AccessDocument } from './document.ts';
import type { PrincipalName } from '../rules/identity.ts';
import type { Change, KeptDocument } from './kept-document.ts';

const PURPOSE = 'securestore approval plan hidden 1';

/** Where requests for approval lie in a store. */
export class ApprovalDesk {
  readonly #document: KeptDocument;
  readonly #object: PolicyObject;

  constructor(document: KeptDocument, object: PolicyObject) {
    this.#document = document;
    this.#object = object;
  }

  /** What stands for a text that a plan is bound to and does not show: made with a key of the store, so that an attacker cannot try secrets with it. */
  seal(text: string): string {
    const key = createHmac('sha256', this.#object.tokenKey).update(PURPOSE).digest();
    return createHmac('sha256', key).update(text).digest('base64url');
  }

  async list(signal?: AbortSignal): Promise<StoredRequest[]> {
    return liveRequests((await this.#document.newest(signal)).requests, this.#object.clock.now());
  }

  /** @throws SecureStoreError `INVALID_ARGUMENT`, `TOO_LARGE` */
  async add(request: Omit<NewRequest, 'id'>, options?: CallOptions): Promise<StoredRequest> {
    const id = randomId((length) => this.#object.random(length));
    const add = (document: AccessDocument): Change<StoredRequest> => {
      const now = this.#object.clock.now();
      const result = newRequest({ id, ...request }, now);
      return { document: { ...document, requests: withRequest(document.requests, result, now) }, result };
    };
    return (await this.#document.change('approvals.request', add, options)).result;
  }

  /**
   * Decides about a request.
   *
   * @param check asked under the newest policy whether this may be decided
   * @throws SecureStoreError `NOT_FOUND`, `ACCESS_DENIED`, `CONFLICT`, `INVALID_ARGUMENT`, what `check` throws
   */
  async decide(
    id: string,
    verdict: Verdict,
    check: (request: StoredRequest) => void,
    options?: CallOptions,
  ): Promise<StoredRequest> {
    const decide = (document: AccessDocument): Change<StoredRequest> => {
      const now = this.#object.clock.now();
      const live = liveRequests(document.requests, now);
      const found = live.find((request) => request.id === id);
      if (found === undefined)
        throw new SecureStoreError('NOT_FOUND', `request ${JSON.stringify(id)} does not exist, or has ended`);
      check(found);
      const result = decided(found, verdict, now);
      const requests = live.map((request) => (request === found ? result : request));
      return { document: { ...document, requests }, result };
    };
    const operation = verdict.state === 'approved' ? 'approvals.approve' : 'approvals.deny';
    return (await this.#document.change(operation, decide, options)).result;
  }

  /** The approvals by which a principal may do something, as they are now; `undefined` if one is missing. */
  async find(
    who: PrincipalName,
    wanted: readonly Wanted[],
    key: string | undefined,
    signal?: AbortSignal,
  ): Promise<StoredRequest[] | undefined> {
    return this.#finder(who, wanted, key)(await this.#newest(signal));
  }

  /**
   * Uses up the approvals by which a principal may do something. Of two attempts on one approval one gets it, wherever they are
   * made: it is gone with one change of the head.
   *
   * @returns what was used; `undefined` if an approval is missing
   */
  async use(
    who: PrincipalName,
    wanted: readonly Wanted[],
    key: string | undefined,
    signal?: AbortSignal,
  ): Promise<StoredRequest[] | undefined> {
    const find = this.#finder(who, wanted, key);
    // A caller who has none must not make the head change; one that was given elsewhere just now is to be seen.
    if (find(this.#document.known()) === undefined && find(await this.#newest(signal)) === undefined) return undefined;
    const use = (document: AccessDocument): Change<StoredRequest[] | undefined> => {
      const result = find(document);
      if (result === undefined) return { document: undefined, result };
      const used = new Set(result.map(({ id }) => id));
      const left = document.requests.filter(({ id }) => !used.has(id));
      const requests = outdatedBy(left, who, wanted, key, this.#object.clock.now());
      return { document: { ...document, requests }, result };
    };
    return (await this.#document.change('approvals.use', use, { signal })).result;
  }

  /**
   * Has the approvals of a refused attempt say that they are of what it would have done before. The attempt is refused in any case.
   *
   * @returns whether the principal has an approval of another plan, as far as is known
   */
  async outdate(
    who: PrincipalName,
    wanted: readonly Wanted[],
    key: string | undefined,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const { requests } = this.#document.known();
    if (approvalsOfOtherPlans(requests, who, wanted, key, this.#object.clock.now()).length === 0) return false;
    const outdate = (document: AccessDocument): Change<void> => {
      const next = outdatedBy(document.requests, who, wanted, key, this.#object.clock.now());
      const isNews = next.some(({ state }, index) => state !== document.requests[index]?.state);
      return { document: isNews ? { ...document, requests: next } : undefined, result: undefined };
    };
    try {
      await this.#document.change('approvals.use', outdate, { signal });
    } catch (error) {
      if (!SecureStoreError.is(error)) throw error;
    }
    return true;
  }

  #finder(
    who: PrincipalName,
    wanted: readonly Wanted[],
    key: string | undefined,
  ): (document: AccessDocument) => StoredRequest[] | undefined {
    return ({ requests }) => approvalsFor(requests, who, wanted, key, this.#object.clock.now());
  }

  #newest(signal: AbortSignal | undefined): Promise<AccessDocument> {
    return inTime('approvals.use', { signal }, (end) => this.#document.newest(end));
  }
}
