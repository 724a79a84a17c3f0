import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions, PolicyObject, SecureStorage } from '@securestore/objects';
import type { Action } from './actions.ts';
import { ACTIONS, isObjectAction } from './actions.ts';
import type { StoredToken } from './api-tokens.ts';
import { apiTokens, createToken } from './api-tokens.ts';
import type { StoreAdministration } from './administration.ts';
import type { Authenticator } from './authenticator.ts';
import { authenticate } from './authenticator.ts';
import type { Decision, Subject } from './decide.ts';
import { Decider } from './decide.ts';
import type { AccessDocument } from './document.ts';
import { decodeDocument, encodeDocument, MAX_TOKENS } from './document.ts';
import { foldIdentity, parseIdentity } from './identity.ts';
import type { Identity } from './identity.ts';
import { PermissionCache } from './permission-cache.ts';
import type { PolicyChange } from './policy-changes.ts';
import { changePolicy } from './policy-changes.ts';
import { Session } from './session.ts';
import type { Policy } from './types.ts';

/** What anybody may know of an API token. */
export type TokenInfo = Omit<StoredToken, 'hash'>;

/** A new API token. */
export interface NewToken extends TokenInfo {
  /** Shown here and never again. */
  readonly token: string;
}

export interface TokenOptions extends CallOptions {
  /** Until when it is good; without it until it is revoked. */
  readonly expires?: Date | undefined;
}

/** What one policy makes possible; thrown away with it. */
interface Loaded {
  readonly bytes: Uint8Array | undefined;
  readonly document: AccessDocument;
  readonly decider: Decider;
  readonly tokens: ReadonlyMap<string, StoredToken>;
}

/** Who may do what with a store: its policy, its API tokens, and sessions. */
export class AccessControl {
  readonly #storage: SecureStorage;
  readonly #object: PolicyObject;
  readonly #authenticators: readonly Authenticator[];
  readonly #administration: Partial<StoreAdministration>;
  #loaded: Loaded | undefined;

  /**
   * @param authenticators ways of finding out who somebody is, beside API tokens
   * @param administration what sessions may do beside the calls about data, as far as there is any: that of the store, with
   *   this object as `access`
   */
  constructor(
    storage: SecureStorage,
    object: PolicyObject,
    authenticators: readonly Authenticator[] = [],
    administration: Partial<StoreAdministration> = {},
  ) {
    this.#storage = storage;
    this.#object = object;
    this.#administration = administration;
    this.#authenticators = [apiTokens(object.tokenKey, () => this.#now().tokens), ...authenticators];
  }

  /** What is known now. @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
  #now(): Loaded {
    const bytes = this.#object.current;
    if (this.#loaded === undefined || this.#loaded.bytes !== bytes) {
      const document = decodeDocument(bytes);
      const tokens = new Map(document.tokens.map((token) => [token.id, token]));
      this.#loaded = { bytes, document, decider: new Decider(document.policy), tokens };
    }
    return this.#loaded;
  }

  async #newest(signal?: AbortSignal): Promise<Loaded> {
    await this.#object.refresh(signal);
    return this.#now();
  }

  #change(next: (document: AccessDocument) => AccessDocument, options?: CallOptions): Promise<void> {
    return this.#object.change((bytes) => encodeDocument(next(decodeDocument(bytes))), options);
  }

  /** The policy: roles, and principals with what is granted to them. */
  async policy({ signal }: CallOptions = {}): Promise<Policy> {
    return (await this.#newest(signal)).document.policy;
  }

  /**
   * Changes the policy, all of `changes` or none, in one change of the head. It counts at once in this process and within
   * five seconds in others.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT`, `NOT_FOUND`; `CONFLICT` where nobody could change it any more who could
   *   before, or others come first again and again
   */
  change(changes: PolicyChange | readonly PolicyChange[], options?: CallOptions): Promise<void> {
    const all = typeof changes === 'function' ? [changes] : changes;
    return this.#change(({ policy, tokens }) => {
      const next = changePolicy(policy, all);
      const names = new Set(next.principals.map(({ name }) => name));
      // A token speaks for somebody whom the policy knows.
      return { policy: next, tokens: tokens.filter(({ principal }) => names.has(principal)) };
    }, options);
  }

  /**
   * Whether somebody may do something, and which rule says so.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` for an unknown action, or one about objects without a key
   */
  async explain(principal: string, action: Action, key?: string, { signal }: CallOptions = {}): Promise<Decision> {
    if (!ACTIONS.includes(action)) {
      throw new SecureStoreError(
        'INVALID_ARGUMENT',
        `there is no action ${JSON.stringify(action)}: ${ACTIONS.join(', ')}`,
      );
    }
    if (isObjectAction(action) && key === undefined)
      throw new SecureStoreError('INVALID_ARGUMENT', `${action} is about an object: name its key`);
    const { decider } = await this.#newest(signal);
    const category = key === undefined ? undefined : this.#object.categoryOf(key);
    return decider.subject(parseIdentity(principal)).decide({ action, key, category }, this.#object.clock.now());
  }

  /**
   * Makes an API token for a principal of the policy.
   *
   * @throws SecureStoreError `NOT_FOUND` where there is no such principal, `INVALID_ARGUMENT`
   */
  async createToken(principal: string, { expires, ...options }: TokenOptions = {}): Promise<NewToken> {
    const fold = foldIdentity(parseIdentity(principal));
    const nameIn = ({ policy }: AccessDocument): Identity => {
      const found = policy.principals.find(({ name }) => foldIdentity(name) === fold);
      if (found !== undefined) return found.name;
      throw new SecureStoreError('NOT_FOUND', `there is no principal ${JSON.stringify(principal)}; add it first`);
    };
    const about = {
      principal: nameIn(this.#now().document),
      now: this.#object.clock.now(),
      expires: expires?.getTime(),
    };
    const random = (length: number): Uint8Array => this.#object.random(length);
    const { token, stored } = createToken(this.#object.tokenKey, random, about);
    await this.#change((document) => {
      if (document.tokens.length >= MAX_TOKENS)
        throw new SecureStoreError('TOO_LARGE', `the store has ${MAX_TOKENS} API tokens; revoke some first`);
      return { ...document, tokens: [...document.tokens, { ...stored, principal: nameIn(document) }] };
    }, options);
    return { token, ...infoOf(stored) };
  }

  /** The API tokens that are good, without anything that they could be made from. */
  async tokens({ signal }: CallOptions = {}): Promise<TokenInfo[]> {
    const { document } = await this.#newest(signal);
    const now = this.#object.clock.now();
    return document.tokens.filter(({ expires = Infinity }) => expires > now).map(infoOf);
  }

  /** Revokes an API token; sessions that it began end with it. @throws SecureStoreError `NOT_FOUND` */
  revokeToken(id: string, options?: CallOptions): Promise<void> {
    return this.#change((document) => {
      const tokens = document.tokens.filter((token) => token.id !== id);
      if (tokens.length < document.tokens.length) return { ...document, tokens };
      throw new SecureStoreError('NOT_FOUND', `there is no API token ${JSON.stringify(id)}`);
    }, options);
  }

  /**
   * The store as the principal may use it whom the credentials prove.
   *
   * @throws SecureStoreError `UNAUTHENTICATED`; `UNAVAILABLE` or `TIMEOUT` where that can't be found out
   */
  async session(credentials: unknown, { signal }: CallOptions = {}): Promise<Session> {
    await this.#newest(signal);
    const now = (): number => this.#object.clock.now();
    const found = await authenticate(this.#authenticators, credentials, { now: now(), signal });
    let known: { readonly generation: number; readonly subject: Subject } | undefined;
    const subject = (): Subject => {
      const { generation } = this.#object;
      if (known?.generation !== generation) {
        const plain = this.#now().decider.subject(found.principal, found.roles);
        known = { generation, subject: new PermissionCache(plain, (key) => this.#object.categoryOf(key)) };
      }
      return known.subject;
    };
    const confirm = (stop?: AbortSignal): Promise<void> | undefined => this.#object.confirm(stop);
    const { until, holds } = found;
    const [storage, administration] = [this.#storage, this.#administration];
    return new Session({ storage, administration, subject, confirm, now, until, holds });
  }
}

function infoOf({ hash: _hash, ...info }: StoredToken): TokenInfo {
  return info;
}
