import type { StorageBackend } from '@securestore/backend-api';
import { AREAS, objectName, SecureStoreError } from '@securestore/core-format';
import type { MigrationArea } from '@securestore/objects/internal';
import { isPurge } from './linked.ts';
import { listOne } from './listing.ts';
import { checkStays, checkStill } from './overtaken.ts';
import type { FailedMove } from './types.ts';

/** What removing leftovers works with. */
interface LeftoverPorts {
  readonly area: MigrationArea;
  readonly target: StorageBackend;
  readonly signal: AbortSignal | undefined;
  /** Whether the store was there before, and may have left behind what is damaged. */
  readonly isWayBack: () => boolean;
  /** Told of what stays, since it is damaged. */
  readonly fail: (failure: FailedMove) => void;
}

/** What lies where a store moves to, and not in the store any more. */
export class Leftovers {
  readonly #ports: LeftoverPorts;

  constructor(ports: LeftoverPorts) {
    this.#ports = ports;
  }

  /**
   * Removes what of these names, found where the store moves to, the store does not have now either.
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
   * Whether a record lies there that was damaged when the store moved away: it stays, since nothing else may be left of it but what
   * could be put right by a backup. A purge spares nothing.
   */
  async #isLeftBehind(token: string, name: string): Promise<boolean> {
    const { area, target, signal, isWayBack, fail } = this.#ports;
    if (!isWayBack() || !(await area.copying.isDamagedAt(target, token, name, signal))) return false;
    const current = await area.read(objectName(token), { signal });
    if (current !== undefined && isPurge(current.body)) return false;
    const message =
      `${name} is damaged at the place to which the store moves back, and the store does not have it any more: ` +
      'it was left behind there, and stays there';
    fail({ name, code: 'INTEGRITY', message });
    return true;
  }

  /** Removes what lies at the name of a current record, and not what takes its place: see {@link Writer.replace}. @returns how much there was */
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
