import { forwardTo } from '@securestore/backend-api';
import type { StorageBackend } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { holdSecret } from '@securestore/crypto';
import type { ObjectStore } from '@securestore/objects';
import type { MigrationArea } from '@securestore/objects/internal';
import { openObjectStore } from '@securestore/objects';
import { extensionsOf, openStoreAnew } from '@securestore/objects/internal';
import type { ResealSettings } from './reseal-settings.ts';
import { otherThan } from './reseal-settings.ts';

/** What opening a store takes that another one is sealed anew as. */
interface StoreAnewPorts {
  /** Of the store that is sealed anew. */
  readonly area: MigrationArea;
  readonly target: StorageBackend;
  /** Of the target, without credentials. */
  readonly location: string;
  readonly settings: ResealSettings;
  readonly signal: AbortSignal;
}

/** The store that another one is sealed anew as, by its new secret. */
export class StoreAnew {
  readonly #ports: StoreAnewPorts;

  constructor(ports: StoreAnewPorts) {
    this.#ports = ports;
  }

  /** Where the new secret can't be had, nothing is begun. */
  async askSecret(): Promise<void> {
    await this.#ports.settings.beforeMaking?.();
    (await holdSecret(this.#ports.settings.unlock)).wipe();
  }

  /**
   * Opens it, and makes it where there is none yet.
   *
   * @param made whether the place was taken by a run before, which may have made it
   * @throws SecureStoreError `UNLOCK_FAILED` where the new secret does not open it; `LOCKED` where it was made otherwise; what the backend
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
      `the store is being sealed anew at ${this.#ports.location} already, with ${others.join(' and ')}: go on with that, or cancel it`,
    );
  }

  /** How it is opened. */
  #context() {
    const { target, location, signal } = this.#ports;
    // It is closed by whoever has opened it, and not with this store.
    const backend = forwardTo(target, { close: async () => undefined });
    return { backend, location, upkeep: false, signal };
  }

  async #byNewSecret(opening: Promise<ObjectStore>): Promise<ObjectStore> {
    try {
      return await opening;
    } catch (error) {
      if (!SecureStoreError.is(error, 'UNLOCK_FAILED')) throw error;
      const message =
        `the new secret that was given does not open what was sealed anew at ${this.#ports.location} before: nothing was changed; ` +
        'give the one with which that was begun';
      throw new SecureStoreError('UNLOCK_FAILED', message, { cause: error });
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
