import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions, SecureStorage } from '@securestore/objects';
import type { PolicyObject } from '@securestore/objects/internal';
import { inTime } from '@securestore/objects/internal';
import type { AccessAdministration, NewToken, TokenInfo, TokenOptions } from '../document/access-administration.ts';
import type { Action } from '../rules/actions.ts';
import { checkQuestion } from '../rules/actions.ts';
import type { StoredToken } from '../authentication/api-tokens.ts';
import { apiTokens, createToken } from '../authentication/api-tokens.ts';
import type { StoreAdministration } from '../administration/administration.ts';
import { ApprovalDesk } from '../document/approval-desk.ts';
import type { ApprovalRequest, ApproveOptions } from '../approval/approval-requests.ts';
import type { Authenticator } from '../authentication/authenticator.ts';
import { authenticate } from '../authentication/authenticator.ts';
import type { DecisionListener } from '../guard/checks.ts';
import type { AccessSettings } from './access-settings.ts';
import type { Decision, Subject } from '../policy/decide.ts';
import type { AccessDocument } from '../document/document.ts';
import { MAX_TOKENS } from '../document/document.ts';
import { foldPrincipalName, parsePrincipalName } from '../rules/identity.ts';
import type { PrincipalName } from '../rules/identity.ts';
import { KeptDocument } from '../document/kept-document.ts';
import type { AccessChange } from '../document/kept-document.ts';
import { ListingCounter } from '../guard/listing-counter.ts';
import { ListingPositions } from '../session/listing-position.ts';
import { CacheTally, PermissionCache } from '../policy/permission-cache.ts';
import type { CacheFigures } from '../policy/permission-cache.ts';
import type { PolicyChange } from '../policy/policy-changes.ts';
import { changePolicy, removedBy } from '../policy/policy-changes.ts';
import { checkCategories } from '../rules/rule-check.ts';
import { Session } from '../session/session.ts';
import type { Policy } from '../rules/types.ts';

/** The work of {@link AccessControl}, loaded with its first call. */
export class LoadedAccessControl implements AccessAdministration {
  readonly #storage: SecureStorage;
  readonly #object: PolicyObject;
  readonly #authenticators: readonly Authenticator[];
  readonly #administration: Partial<StoreAdministration>;
  readonly #onDecision: AccessSettings['onDecision'];
  readonly #document: KeptDocument;
  readonly #desk: ApprovalDesk;
  readonly #tally = new CacheTally();
  readonly #listings = new ListingCounter();
  readonly #positions: ListingPositions;

  constructor(
    storage: SecureStorage,
    object: PolicyObject,
    { authenticators = [], administration = {}, onDecision }: AccessSettings = {},
  ) {
    this.#storage = storage;
    this.#object = object;
    this.#administration = administration;
    this.#onDecision = onDecision;
    this.#document = new KeptDocument(object);
    this.#desk = new ApprovalDesk(this.#document, object);
    this.#positions = new ListingPositions(() => object.tokenKey);
    this.#authenticators = [
      apiTokens(
        () => object.tokenKey,
        () => this.#document.known().tokensById,
      ),
      ...authenticators,
    ];
  }

  /** How often what was decided was remembered, in all sessions together that were begun here. */
  get figures(): CacheFigures {
    const { hits, misses } = this.#tally;
    return { hits, misses };
  }

  policy(options?: CallOptions): Promise<Policy> {
    return inTime('access.policy', options, async (signal) => (await this.#document.newest(signal)).policy);
  }

  async change(changes: PolicyChange | readonly PolicyChange[], options?: CallOptions): Promise<AccessChange> {
    const all = typeof changes === 'function' ? [changes] : changes;
    const changed = await this.#document.change(
      'access.change',
      ({ policy, tokens, requests }) => {
        const next = changePolicy(policy, all);
        checkCategories(policy, next, this.#object.categories);
        const names = new Set(next.principals.map(({ name }) => name));
        const removed = removedBy(policy, all);
        return {
          document: {
            policy: next,
            // A token is for a principal whom the policy knows, and not for another one who gets the name later.
            tokens: tokens.filter(({ principal }) => names.has(principal) && !removed.has(principal)),
            // A later holder of a name gets nothing that was approved for another principal. A removed principal has approved nothing.
            requests: requests.filter(({ principal, by }) => !removed.has(principal) && !(by && removed.has(by))),
          },
          result: undefined,
        };
      },
      options,
    );
    return { pending: changed.pending };
  }

  async explain(principal: string, action: Action, key?: string, options?: CallOptions): Promise<Decision> {
    checkQuestion(action, key);
    const { decider } = await inTime('access.explain', options, (signal) => this.#document.newest(signal));
    const category = key === undefined ? undefined : this.#object.categoryOf(key);
    return decider.subject(parsePrincipalName(principal)).decide({ action, key, category }, this.#object.clock.now());
  }

  async createToken(principal: string, { expires, ...options }: TokenOptions = {}): Promise<NewToken> {
    const fold = foldPrincipalName(parsePrincipalName(principal));
    const nameIn = ({ policy }: AccessDocument): PrincipalName => {
      const found = policy.principals.find(({ name }) => foldPrincipalName(name) === fold);
      if (found !== undefined) return found.name;
      throw new SecureStoreError('NOT_FOUND', `principal ${JSON.stringify(principal)} does not exist`);
    };
    const about = {
      principal: nameIn(this.#document.known()),
      now: this.#object.clock.now(),
      expires: expires?.getTime(),
    };
    const random = (length: number): Uint8Array => this.#object.random(length);
    const { token, stored } = createToken(this.#object.tokenKey, random, about);
    await this.#document.change(
      'access.createToken',
      (document) => {
        if (document.tokens.length >= MAX_TOKENS)
          throw new SecureStoreError('TOO_LARGE', `the store already has ${MAX_TOKENS} API tokens, which is the limit`);
        const tokens = [...document.tokens, { ...stored, principal: nameIn(document) }];
        return { document: { ...document, tokens }, result: undefined };
      },
      options,
    );
    return { token, ...infoOf(stored) };
  }

  async tokens(options?: CallOptions): Promise<TokenInfo[]> {
    const { tokens } = await inTime('access.tokens', options, (signal) => this.#document.newest(signal));
    const now = this.#object.clock.now();
    return tokens.filter(({ expires = Infinity }) => expires > now).map(infoOf);
  }

  async revokeToken(id: string, options?: CallOptions): Promise<AccessChange> {
    const changed = await this.#document.change(
      'access.revokeToken',
      (document) => {
        const tokens = document.tokens.filter((token) => token.id !== id);
        if (tokens.length < document.tokens.length) return { document: { ...document, tokens }, result: undefined };
        throw new SecureStoreError('NOT_FOUND', `API token ${JSON.stringify(id)} does not exist`);
      },
      options,
    );
    return { pending: changed.pending };
  }

  requests(options?: CallOptions): Promise<ApprovalRequest[]> {
    return inTime('access.requests', options, (signal) => this.#desk.list(signal));
  }

  approve(id: string, { expires, ...options }: ApproveOptions = {}): Promise<ApprovalRequest> {
    return this.#desk.decide(id, { state: 'approved', expires }, () => {}, options);
  }

  deny(id: string, options?: CallOptions): Promise<ApprovalRequest> {
    return this.#desk.decide(id, { state: 'denied' }, () => {}, options);
  }

  session(credentials: unknown, options?: CallOptions): Promise<Session> {
    return inTime('session', options, (signal) => this.#begin(credentials, signal));
  }

  async #begin(credentials: unknown, signal: AbortSignal | undefined): Promise<Session> {
    await this.#document.newest(signal);
    const now = (): number => this.#object.clock.now();
    const found = await authenticate(this.#authenticators, credentials, { now: now(), signal });
    const tally = new CacheTally(this.#tally);
    let known: { readonly generation: number; readonly subject: Subject } | undefined;
    const subject = (): Subject => {
      const { generation } = this.#object;
      if (known?.generation !== generation) {
        const plain = this.#document.known().decider.subject(found.principal, found.roles);
        known = { generation, subject: new PermissionCache(plain, (key) => this.#object.categoryOf(key), tally) };
      }
      return known.subject;
    };
    const confirm = (stop?: AbortSignal): Promise<void> | undefined => this.#object.confirm(stop);
    const { until, holds, principal } = found;
    const told = this.#onDecision;
    const onDecision: DecisionListener | undefined = told && ((...heard) => told(principal, ...heard));
    const [storage, administration, approvals] = [this.#storage, this.#administration, this.#desk];
    const [listings, positions] = [this.#listings, this.#positions];
    const asked = { tally, subject, onDecision, confirm, now, until, holds };
    return new Session({ storage, administration, approvals, listings, positions, ...asked });
  }
}

function infoOf({ hash: _hash, ...info }: StoredToken): TokenInfo {
  return info;
}
