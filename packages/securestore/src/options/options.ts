import type { Authenticator } from '@securestore/acl';
import type { RecorderOptions } from '@securestore/audit';
import type { StorageBackend } from '@securestore/backend-api';
import type { UnlockMethod } from '@securestore/crypto';
import type { Discovery } from './discovery.ts';
import type { HealthConfig } from './health.ts';
import type { Anchor, Clock, CryptoEventListener, Logger, StoreSettings } from '@securestore/objects';

/** Where the backend of a store URL comes from. */
export interface BackendOptions {
  /** A backend object, whatever the scheme says. It stays yours: the store initialises it and never closes it. */
  readonly backend?: StorageBackend | undefined;
  /** The package that serves a scheme, by scheme. */
  readonly backends?: Readonly<Record<string, string>> | undefined;
  /** Settings for the backend; each backend's README lists its own. */
  readonly backendOptions?: Readonly<Record<string, unknown>> | undefined;
  /** A client of the provider's SDK for the backend. It stays yours: it is never closed. */
  readonly client?: unknown;
  /** The folder of the application's `package.json`, for packages of backends and the configuration file. Default the working directory. */
  readonly resolveFrom?: string | undefined;
  /** For a program that works in folders of others. Default what the application has installed and configured. */
  readonly discovery?: Discovery | undefined;
}

interface CommonOptions extends BackendOptions {
  /**
   * The unlock secret: `passphrase`, `keyFile`, `rawKey`, `recoveryCode`, `shares`, `identity`, `identityFile` or `keyWrapper`. The last
   * three open only a known store: by `fingerprint`, by the anchor, by a line of the identity file, or by `trustOnFirstUse`. If the slot is
   * gone while the store is open, files are read and functions are called again, every five seconds at most.
   */
  readonly unlock: UnlockMethod;
  /**
   * A memory of the store's manifest outside the store, which detects another store at the URL and a copy from before a change of keys or
   * settings: `true` for a file in the user's state folder, `fileAnchor(folder)`, or one of your own. Default none.
   */
  readonly anchor?: boolean | Anchor | undefined;
  /** Takes `debug`, `info`, `warn` and `error`, as `pino` has them. */
  readonly logger?: Logger | undefined;
  /**
   * Receives events of encryption keys: which key version encrypted and decrypted how much, which slot opened, and every change of slots and
   * keys. Never keys, data or names of objects. It is called within the call that causes the event, so it should only take note; its errors
   * are logged, and change nothing.
   */
  readonly onCryptoEvent?: CryptoEventListener | undefined;
  /** Options of other store URLs that calls name, such as destinations of backups, by store URL: credentials too. */
  readonly destinations?: Readonly<Record<string, BackendOptions>> | undefined;
  /**
   * Store URLs to which this process may follow a migration of the store, while it is open or before. To any other URL it does not follow,
   * whatever the store says. Default none.
   */
  readonly migrationTargets?: readonly string[] | undefined;
  /** Further `sinks` of the audit log, `clearKeys`, and `onAlert`. Whether there is a log is a setting of the store. */
  readonly audit?: RecorderOptions | undefined;
  /** `thresholds`, `backups` and `auditor` for `store.health`. Default those of the configuration file. */
  readonly health?: HealthConfig | undefined;
  /** Prove who a caller of `session` is. API tokens of the store need none. */
  readonly authenticators?: readonly Authenticator[] | undefined;
  /**
   * `false` switches off what an open store does by itself: it creates new keys when they are old, destroys keys that are due, and collects
   * garbage once a day. The first time is five minutes after opening. Default `true`.
   */
  readonly maintenance?: boolean | undefined;
  /** A clock for tests. */
  readonly clock?: Clock | undefined;
  /** Aborts the opening with `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which the opening fails with `TIMEOUT`. */
  readonly timeout?: number | undefined;
}

/** How a store is made; `categories`, `history`, `names`, `rotation`, `journal` and `suite` are kept in it. */
export interface CreateOptions extends CommonOptions, Omit<StoreSettings, 'unlock'> {
  /**
   * Accept, once, a manifest that contradicts the anchor. For `createStore`: create a store although the anchor remembers one at this URL
   * that is missing now.
   */
  readonly acceptRollback?: boolean | undefined;
}

/** How a store is opened. With `create`, the options of {@link CreateOptions} say how a missing one is created. */
export interface OpenOptions extends CreateOptions {
  /** Create the store if none exists at the URL and none did. */
  readonly create?: boolean | undefined;
  /** The fingerprint that the store must have: another store is `INTEGRITY`. */
  readonly fingerprint?: string | undefined;
  /**
   * Trust an unknown store, and remember it in the anchor, which is required. For `identity` and `keyWrapper`, whose slots others could have
   * made: an attacker who controls the backend at that moment can have you use a store of theirs.
   */
  readonly trustOnFirstUse?: boolean | undefined;
}
