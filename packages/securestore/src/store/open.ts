import type { Session } from '@securestore/acl';
import { AccessControl, recorded, requestIdIn } from '@securestore/acl/lazy';
import { AuditTrail } from '@securestore/audit/lazy';
import type { Meter } from '@securestore/backend-api';
import { createMeter, isServed, parseStoreUrl, redactStoreUrl } from '@securestore/backend-api';
import type { RestoreOptions } from '@securestore/backup';
import { Backups, RecoveryPoints, Schedules } from '@securestore/backup/lazy';
import { SecureStoreError } from '@securestore/core-format';
import type { Health } from '@securestore/health';
import type { Anchor, CallOptions, CryptoEvent, ObjectStore, StoreContext, VerifyOptions } from '@securestore/objects';
import {
  createObjectStore,
  extensionsOf,
  openObjectStore,
  openOrCreateObjectStore,
  signalOf,
} from '@securestore/objects/internal';
import { auditEventOf, auditWarnings, OWNER } from '../options/audit-events.ts';
import { checkCreateOptions, checkOpenOptions, checkSessionOptions } from '../options/check-options.ts';
import { backupConnect, connect, followConnect, settingsFor } from './connect.ts';
import { anchorName, fileAnchor } from '../files/file-anchor.ts';
import { healthOf } from '../options/health.ts';
import type { CreateOptions, OpenOptions } from '../options/options.ts';
import type { RemoteCredentials, RemoteStore } from '@securestore/protocol';
import { openServed } from './remote.ts';
import type { ServedOptions } from './remote.ts';

/** The options of a session. */
export interface SessionOptions extends CallOptions {
  /**
   * An ID that the audit log has with every attempt of the session, to find it in other logs. A function is called at each attempt: for a
   * session that serves many requests.
   */
  readonly requestId?: string | (() => string | undefined) | undefined;
}

/** An open store. */
export type SecureStore = ObjectStore & {
  /**
   * The access control of sessions. The owner may do everything.
   *
   * @example
   * ```ts
   * const { token } = await store.access.createToken('ci');
   * ```
   */
  readonly access: AccessControl;
  /**
   * The audit log: who tried what with the store, with which outcome.
   *
   * @example
   * ```ts
   * for await (const { action, outcome } of store.audit.tail({ entries: 10 })) console.log(action, outcome);
   * ```
   */
  readonly audit: AuditTrail;
  /**
   * Makes a snapshot at a destination: changes since the last one are copied, as ciphertext.
   *
   * @example
   * ```ts
   * const { number } = await store.backup('file:/mnt/backup/vault');
   * ```
   */
  readonly backup: Backups['backup'];
  /**
   * Restores objects of a snapshot into this store, each as a new version.
   *
   * @example
   * ```ts
   * const { replaced } = await store.restore('file:/mnt/backup/vault', { prefix: 'db/', conflict: 'overwrite' });
   * ```
   */
  readonly restore: Backups['restore'];
  /**
   * Its snapshots, at all destinations.
   *
   * @example
   * ```ts
   * const [newest] = await store.backups.list('file:/mnt/backup/vault');
   * ```
   */
  readonly backups: Backups;
  /**
   * The store as it was at any recovery point.
   *
   * @example
   * ```ts
   * const { entries } = await store.recoveryPoints.browse({
   *   destination: 'file:/mnt/backup/vault',
   *   at: new Date('2026-01-01T12:00:00Z'),
   *   prefix: 'db/',
   * });
   * ```
   */
  readonly recoveryPoints: RecoveryPoints;
  /**
   * The schedules of its backups, and their state.
   *
   * @example
   * ```ts
   * for (const { next, failures } of await store.schedules.list()) console.log(next, failures);
   * ```
   */
  readonly schedules: Schedules;
  /**
   * The health of the store with all its parts, and what to do about findings.
   *
   * @example
   * ```ts
   * const { status, checks } = await store.health();
   * ```
   */
  readonly health: Health['check'];
  /**
   * Reads everything in the store in the background, reports what is damaged, and repairs it from a backup.
   *
   * @example
   * ```ts
   * const { ok, findings } = await store.scrub({ repair: 'file:/mnt/backup/vault' });
   * ```
   */
  readonly scrub: Health['scrub'];
  /**
   * Metrics of the store, for OpenTelemetry and Prometheus.
   *
   * @example
   * ```ts
   * const page = await store.metrics.prometheus();
   * ```
   */
  readonly metrics: Health['metrics'];
  /**
   * The store with the rights of the principal that the credentials prove: `{ token }` with an API token, or credentials for the option
   * `authenticators`. It ends with the store.
   *
   * @throws SecureStoreError `UNAUTHENTICATED`, also for credentials of a kind that no authenticator knows; `UNAVAILABLE` or
   *   `TIMEOUT` if they can't be checked; `INVALID_ARGUMENT` for unknown options
   *
   * @example
   * ```ts
   * await using session = await store.session({ token: 'the token of a caller' });
   * ```
   */
  session(credentials: unknown, options?: SessionOptions): Promise<Session>;
};

/** Events of encryption keys, also from before the store is open: the log is in the store. */
class KeyEvents {
  #early: CryptoEvent[] = [];
  #tell: ((event: CryptoEvent) => void) | undefined;
  readonly #listener: OpenOptions['onCryptoEvent'];

  constructor(listener: OpenOptions['onCryptoEvent']) {
    this.#listener = listener;
  }

  /** For the store. */
  readonly listener = (event: CryptoEvent): void => {
    if (this.#tell === undefined) this.#early.push(event);
    else this.#tell(event);
    this.#listener?.(event);
  };

  to(trail: AuditTrail): void {
    this.#tell = (event) => trail.recorder.note(auditEventOf(event));
    for (const event of this.#early) this.#tell(event);
    this.#early = [];
  }
}

/** The store with access control and audit. */
function assemble(store: ObjectStore, opened: OpenOptions, events: KeyEvents, meter: Meter): SecureStore {
  const { authenticators, audit, logger, destinations } = opened;
  const places = backupConnect(opened, destinations);
  const backups = new Backups(store, places);
  const schedules = new Schedules(store, backups, places);
  const recoveryPoints = new RecoveryPoints(store, backups, places);
  // Sessions administer the store as it is returned, with its access control.
  const { policy, audit: auditPlace } = extensionsOf(store);
  const access = new AccessControl(store, policy, { authenticators, administration: store });
  const trail = new AuditTrail(auditPlace, { onAlert: auditWarnings(logger), ...audit });
  events.to(trail);
  const health = healthOf(store, { backups, schedules, trail, meter }, opened.health);
  const { recorder } = trail;
  const categoryOf = (key: string): string => policy.categoryOf(key);
  const begin = access.session.bind(access);
  const session: SecureStore['session'] = async (credentials, given = {}) => {
    checkSessionOptions(given);
    const { requestId, ...options } = given;
    // The principal is known only when it has succeeded.
    const attempt = { action: 'session', principal: '', requestId: requestIdIn({ requestId }), readOnly: true };
    const found = await recorder.attempt(attempt, async () => {
      const begun = await begin(credentials, options);
      attempt.principal = begun.principal;
      return begun;
    });
    return recorded(found, { recorder, principal: found.principal, categoryOf, requestId });
  };
  const verify = store.verify.bind(store);
  // The audit log records every session.
  const whole = Object.assign(store, {
    access: Object.assign(access, { session }),
    audit: trail,
    backup: backups.backup.bind(backups),
    // No more parameters: what it writes through shows all objects, and a caller who may restore, but not read, must not choose it.
    restore: (source: string, restoreOptions?: RestoreOptions) => backups.restore(source, restoreOptions),
    backups,
    recoveryPoints,
    schedules,
    verify: async (verifyOptions?: VerifyOptions) => {
      const report = await verify(verifyOptions);
      await health.note(report.findings, verifyOptions?.signal);
      return report;
    },
    health: health.check.bind(health),
    scrub: health.scrub.bind(health),
    metrics: health.metrics,
    session,
  });
  return recorded(whole, { recorder, principal: OWNER, categoryOf });
}

export function anchorFor(option: OpenOptions['anchor'], url: string): Anchor | undefined {
  if (typeof option === 'object') return option;
  // A store that ends with the process or the backend object can't be rolled back unnoticed.
  return option === true && parseStoreUrl(url).scheme !== 'memory' ? fileAnchor() : undefined;
}

/** The option, or else the configuration. */
async function withHealth<O extends OpenOptions>(options: O): Promise<O> {
  const { health, backend } = options;
  if (health !== undefined || backend !== undefined) return options;
  const configured = (await settingsFor(options)).health;
  return configured === undefined ? options : { ...options, health: configured };
}

async function contextFor(
  url: string,
  options: OpenOptions,
  events: KeyEvents,
  meter: Meter,
): Promise<StoreContext & { readonly anchor: Anchor | undefined }> {
  const signal = signalOf(options);
  return {
    backend: await connect(url, options, signal, meter),
    url: redactStoreUrl(anchorName(url)),
    anchor: anchorFor(options.anchor, url),
    targets: followConnect(options, meter),
    logger: options.logger,
    onCryptoEvent: events.listener,
    clock: options.clock,
    signal,
  };
}

/**
 * Creates a new store and opens it.
 *
 * @param url `scheme:rest`, such as `sqlite:./vault.db` or `file:/srv/vault`
 * @throws SecureStoreError `ALREADY_EXISTS` if a store or its backups exist there, which are not changed; `ROLLBACK` if the anchor
 *   remembers a store there that is missing, such as one on a disk that is not mounted; `INVALID_ARGUMENT`; `BACKEND_NOT_INSTALLED`; what the backend throws if it can't be reached
 */
export async function createStore(url: string, given: CreateOptions): Promise<SecureStore> {
  if (isServed(url)) {
    const message = `a store cannot be created over a server: ${redactStoreUrl(url)}`;
    throw new SecureStoreError('INVALID_ARGUMENT', message, { advice: [{ id: 'serve-store' }] });
  }
  checkCreateOptions(given);
  const options = await withHealth(given);
  const events = new KeyEvents(options.onCryptoEvent);
  const meter = createMeter();
  const store = await createObjectStore({ ...options, ...(await contextFor(url, options, events, meter)) });
  return assemble(store, options, events, meter);
}

/** The options of {@link openStore}: those of a server if there are credentials. One signature, so that the compiler reports a mistake where it is. */
type OptionsWith<C> = { readonly credentials?: C } & (C extends RemoteCredentials ? ServedOptions : OpenOptions);

type StoreWith<C> = C extends RemoteCredentials ? RemoteStore : SecureStore;

/**
 * Opens the store of a store URL; with `credentials` a remote store behind `https:`, as the principal that they prove. That needs the
 * package `@securestore/client`.
 *
 * @param url `scheme:rest`, such as `sqlite:./vault.db` or `file:/srv/vault`; scheme, host and port of a server, such as
 *   `https://vault.example.com`
 * @throws SecureStoreError `NOT_FOUND` if there is no store and `create` isn't set; `UNLOCK_FAILED` on a wrong secret;
 *   `INTEGRITY` if it is damaged or not the pinned one; `ROLLBACK` if the anchor remembers a newer one; `LOCKED`;
 *   `UNAUTHENTICATED` for credentials that the server does not accept; `INVALID_ARGUMENT`, also if the store has other settings than
 *   those given with `create`; `BACKEND_NOT_INSTALLED`; what the backend throws if it can't be reached
 */
export function openStore<C extends RemoteCredentials | undefined = undefined>(
  url: string,
  given: OptionsWith<C>,
): Promise<StoreWith<C>>;
export async function openStore(url: string, given: OpenOptions | ServedOptions): Promise<SecureStore | RemoteStore> {
  const isRemote = typeof given === 'object' && given !== null && 'credentials' in given;
  if (isServed(url) && isRemote) return openServed(url, given);
  if (isServed(url)) {
    const message = `the option "credentials" is needed for a remote store: ${redactStoreUrl(url)}`;
    throw new SecureStoreError('INVALID_ARGUMENT', message, {
      option: 'credentials',
      advice: [{ id: 'give-credentials' }],
    });
  }
  if (isRemote) {
    const message = `the option "credentials" is only for remote stores, got ${redactStoreUrl(url)}`;
    throw new SecureStoreError('INVALID_ARGUMENT', message, { option: 'credentials' });
  }
  return openHere(url, given);
}

async function openHere(url: string, given: OpenOptions): Promise<SecureStore> {
  checkOpenOptions(given);
  const options = await withHealth(given);
  const events = new KeyEvents(options.onCryptoEvent);
  const meter = createMeter();
  const settings = { ...options, ...(await contextFor(url, options, events, meter)) };
  const store = await (options.create === true ? openOrCreateObjectStore(settings) : openObjectStore(settings));
  return assemble(store, options, events, meter);
}
