import type { StorageBackend } from '@securestore/backend-api';
import { AREAS, objectName, SecureStoreError } from '@securestore/core-format';
import type { MigrationArea } from '@securestore/objects/internal';
import { isPurge } from './linked.ts';
import { listOne } from './listing.ts';
import { checkStays, checkStill } from './overtaken.ts';
import type { MigrationFailure } from './types.ts';

/** What removing leftovers works with. */
interface LeftoverPorts {
  readonly area: MigrationArea;
  readonly target: StorageBackend;
  readonly signal: AbortSignal | undefined;
  /** Whether the target is a former source, which may have damaged objects left. */
  readonly isWayBack: () => boolean;
  /** Called for what is kept, since it is damaged. */
  readonly fail: (failure: MigrationFailure) => void;
}

/** Objects of the target that the store does not have any more. */
export class Leftovers {
  readonly #ports: LeftoverPorts;

  constructor(ports: LeftoverPorts) {
    this.#ports = ports;
  }

  /**
   * Removes those of these names of the target that the store does not have now either.
   *
   * @param names of older records and parts of one object
   * @returns how many were removed
   */
  async remove(token: string, names: readonly string[]): Promise<number> {
    const { target, signal } = this.#ports;
    const gone = await this.#gone(token, names);
    for (const name of gone) await target.delete(name, { signal });
    return gone.length;
  }

  async #gone(token: string, names: readonly string[]): Promise<string[]> {
    const { area, signal } = this.#ports;
    if (names.length === 0) return [];
    const { history, parts } = await listOne(token, undefined, (prefix) => area.entries(prefix, { signal }));
    await checkStays(area, signal);
    const there = new Set([...history, ...parts].map(({ key }) => key));
    const gone: string[] = [];
    for (const name of names) {
      if (there.has(name)) continue;
      if (!name.startsWith(AREAS.history) || !(await this.#isLeftBehind(token, name))) gone.push(name);
    }
    return gone;
  }

  /**
   * Whether a record there was damaged when the store moved away: it is kept, since it may be the last one, which a backup could repair. A
   * purge removes it, too.
   */
  async #isLeftBehind(token: string, name: string): Promise<boolean> {
    const { area, target, signal, isWayBack, fail } = this.#ports;
    if (!isWayBack() || !(await area.copying.isDamagedAt(target, token, name, signal))) return false;
    const current = await area.read(objectName(token), { signal });
    if (current !== undefined && isPurge(current.body)) return false;
    const message =
      'the record or part is damaged at the target, and the store does not have it any more. It was kept there.';
    fail({ name, code: 'INTEGRITY', message });
    return true;
  }

  /** Removes a current record, but not one that replaces it meanwhile: see {@link Writer.replace}. @returns how many there were */
  async removeRecord(token: string): Promise<number> {
    const { area, target, signal } = this.#ports;
    const name = objectName(token);
    const found = await target.read(name, { signal });
    if (found === undefined) return 0;
    await checkStill(area, token, undefined, signal);
    if (await this.#isLeftBehind(token, name)) return 0;
    const isConditional = target.capabilities.conditionalDelete && found.etag !== undefined;
    try {
      await target.delete(name, isConditional ? { ifMatch: found.etag, signal } : { signal });
    } catch (error) {
      if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
    }
    return 1;
  }
}
