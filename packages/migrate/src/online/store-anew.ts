import { forwardTo } from '@securestore/backend-api';
import type { StorageBackend } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { holdSecret } from '@securestore/crypto';
import type { ObjectStore } from '@securestore/objects';
import type { MigrationArea } from '@securestore/objects/internal';
import { openObjectStore } from '@securestore/objects';
import { extensionsOf, openStoreAnew } from '@securestore/objects/internal';
import type { ReencryptSettings } from './reseal-settings.ts';
import { otherThan } from './reseal-settings.ts';

/** What opening a re-encrypted store needs. */
interface StoreAnewPorts {
  /** Of the source. */
  readonly area: MigrationArea;
  readonly target: StorageBackend;
  /** Of the target, without credentials. */
  readonly url: string;
  readonly settings: ReencryptSettings;
  readonly signal: AbortSignal;
}

/** The re-encrypted store, by its new unlock secret. */
export class StoreAnew {
  readonly #ports: StoreAnewPorts;

  constructor(ports: StoreAnewPorts) {
    this.#ports = ports;
  }

  /** Asks for the new unlock secret first: without it nothing is begun. */
  async askSecret(): Promise<void> {
    await this.#ports.settings.beforeCreate?.();
    (await holdSecret(this.#ports.settings.unlock)).wipe();
  }

  /**
   * Opens it, and creates it if there is none yet.
   *
   * @param made whether an earlier run has taken the target, and may have created it
   * @throws SecureStoreError `UNLOCK_FAILED` if the new unlock secret does not open it; `LOCKED` if it has other settings; what the backend
   *   throws
   */
  async open(made: boolean): Promise<ObjectStore> {
    const { head, copying, clock, random } = this.#ports.area;
    const { history, rotationDays, naming, suites } = head;
    const settings = {
      history,
      rotation: { days: rotationDays },
      names: naming,
      suite: suites[0] === 2 ? (2 as const) : (1 as const),
      categories: copying.categories,
      ...this.#ports.settings,
    };
    const opening = { ...settings, ...this.#context(), clock, random };
    const opened = openStoreAnew(opening, made, head.versionFloor);
    const there = await (made ? this.#byNewSecret(opened) : opened);
    const others = otherThan(this.#ports.settings, extensionsOf(there).migration);
    if (others.length === 0) return there;
    await there.close();
    throw new SecureStoreError(
      'LOCKED',
      `the store is already being re-encrypted at ${this.#ports.url} with ${others.join(' and ')}`,
      {
        reason: 'migrating',
        advice: [{ id: 'resume-migration', target: this.#ports.url }, { id: 'cancel-migration' }],
      },
    );
  }

  /** How it is opened. */
  #context() {
    const { target, url, signal } = this.#ports;
    // The caller who has opened the backend closes it, and not this store.
    const backend = forwardTo(target, { close: async () => undefined });
    return { backend, url, maintenance: false, signal };
  }

  async #byNewSecret(opening: Promise<ObjectStore>): Promise<ObjectStore> {
    try {
      return await opening;
    } catch (error) {
      if (!SecureStoreError.is(error, 'UNLOCK_FAILED')) throw error;
      const message = `the new unlock secret does not open the re-encrypted store at ${this.#ports.url}. Nothing was changed.`;
      throw new SecureStoreError('UNLOCK_FAILED', message, { cause: error, advice: [{ id: 'check-unlock-secret' }] });
    }
  }

  /** Opens it once the other store has left for it. @throws SecureStoreError as {@link open} */
  openLeftFor(): Promise<ObjectStore> {
    const { area, settings } = this.#ports;
    const { clock, random } = area;
    const { unlock } = settings;
    return this.#byNewSecret(openObjectStore({ unlock, ...this.#context(), clock, random, ignoreRedirect: true }));
  }
}
