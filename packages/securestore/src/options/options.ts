import type { Authenticator } from '@securestore/acl';
import type { RecorderOptions } from '@securestore/audit';
import type { StorageBackend } from '@securestore/backend-api';
import type { UnlockMethod } from '@securestore/crypto';
import type { Discovery } from './discovery.ts';
import type { HealthConfig } from './health.ts';
import type { Anchor, Clock, CryptoEventListener, Logger, StoreSettings } from '@securestore/objects';

/** Where the backend of a store URL comes from. */
export interface BackendOptions {
  /** This backend, whatever the scheme says. It stays yours: the store initialises it and never closes it. */
  readonly backend?: StorageBackend | undefined;
  /** The package that serves a scheme, by scheme. */
  readonly backends?: Readonly<Record<string, string>> | undefined;
  /** Settings for the backend; each backend's README lists its own. */
  readonly backendOptions?: Readonly<Record<string, unknown>> | undefined;
  /** A client of the provider's SDK for the backend to use. It stays yours: it is never closed. */
  readonly client?: unknown;
  /** The folder of the application's `package.json`, in which backend plugins are looked for. Default: the working directory. */
  readonly resolveFrom?: string | undefined;
  /** For a program that works in folders of others. Default: what the application has installed and configured counts. */
  readonly discovery?: Discovery | undefined;
}

interface CommonOptions extends BackendOptions {
  /**
   * What unlocks the store: `passphrase`, `keyFile`, `rawKey`, `recoveryCode`, `shares`, `identity`, `identityFile` or `keyWrapper`. The last
   * three open a store only where it is known: by `fingerprint`, by the anchor, by a line of the identity file, or
   * by `trustOnFirstUse`. While the store is open it is asked again, every five seconds at most, if its slot is gone: files are read anew,
   * functions are called again.
   */
  readonly unlock: UnlockMethod;
  /**
   * A memory of the store's head outside the store, which shows another store in its place and a copy from before a
   * change of keys or settings: `true` for a file in the user's state folder, or one of your own. Default: none.
   */
  readonly anchor?: boolean | Anchor | undefined;
  readonly logger?: Logger | undefined;
  /**
   * Is told what this process does with the keys of the store, for an audit: which key version sealed and opened how much,
   * which slot opened, and every change of slots and keys. Never keys, data or names of objects. It is called within the
   * call that does it, so it should only take note; what it throws is logged, and changes nothing.
   */
  readonly onCryptoEvent?: CryptoEventListener | undefined;
  /** What reaches the destinations of backups and other store URLs that calls name, by store URL: credentials come from there too. */
  readonly destinations?: Readonly<Record<string, BackendOptions>> | undefined;
  /**
   * Store URLs to which the store may move while it is open, or has moved: then this process goes on there by itself. To any other it does
   * not follow, whatever the store says. Default: none.
   */
  readonly migrationTargets?: readonly string[] | undefined;
  /** Where the audit log goes beside the store, and which names are in clear in it; whether there is one the store says. */
  readonly audit?: RecorderOptions | undefined;
  /** From when on something is not as it should be, for `store.health`. */
  readonly health?: HealthConfig | undefined;
  /** Ways of finding out who somebody is, for sessions; API tokens of the store are known without any. */
  readonly authenticators?: readonly Authenticator[] | undefined;
  /**
   * Whether a store that stays open looks after itself: makes new keys when they are old, destroys those that were
   * scheduled to be, and collects once a day. Default yes; the first time is five minutes after opening.
   */
  readonly maintenance?: boolean | undefined;
  readonly clock?: Clock | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which the call fails with `TIMEOUT`. */
  readonly timeout?: number | undefined;
}

/** How a store is made; `categories`, `history`, `names`, `rotation`, `journal` and `suite` are kept in it. */
export interface CreateOptions extends CommonOptions, Omit<StoreSettings, 'unlock'> {}

/** How a store is opened. With `create`, the options of {@link CreateOptions} say how one is made where none is. */
export interface OpenOptions extends CreateOptions {
  /** Make the store where none is and none was. */
  readonly create?: boolean | undefined;
  /** The identity that the store must have: another one is `INTEGRITY`. */
  readonly fingerprint?: string | undefined;
  /** Accept, once, a head that contradicts the anchor. */
  readonly acceptRollback?: boolean | undefined;
  /**
   * Where nothing is known of the store yet, take the one that lies here for the right one and remember it in the anchor, which is
   * needed. For `identity` and `keyWrapper`, whose slots anybody could have made: whoever controls the backend when it is first
   * used can have you use a store of theirs.
   */
  readonly trustOnFirstUse?: boolean | undefined;
}
