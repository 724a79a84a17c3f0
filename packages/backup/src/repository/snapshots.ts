import type { NumberRange, Point } from '@securestore/core-format';
import {
  BACKUP_AREAS,
  decodePoint,
  encodePoint,
  pointName,
  pointNumber,
  SecureStoreError,
  sha256,
  splitChecksum,
  withChecksum,
} from '@securestore/core-format';
import { RecentCache } from '@securestore/crypto';
import type { BackupArea, BackupSeals } from '@securestore/objects/internal';
import { entriesUnder } from '@securestore/objects/internal';
import type { Destination } from './destination.ts';
import { damagedFile, decodingFile, isRefused } from './errors.ts';
import { readWhole } from './files.ts';
import { includesNumber } from './number-ranges.ts';

const MAX_TRIES = 5;

/** A point as it was read. */
export interface FoundPoint extends Point {
  /** SHA-256 of its body, which the next one names. */
  readonly digest: Buffer;
  /** The id of the key version that it is sealed under, in hex. */
  readonly keyId: string;
  /** Whether that has been replaced. */
  readonly isOld: boolean;
}

/** A point of which only the number is known. */
export interface DamagedPoint {
  readonly number: number;
  /** SHA-256 of the file. */
  readonly digest: Buffer;
  readonly error: SecureStoreError;
}

/** Another run has published a point under the number of this run. */
export function published(url: string, number: number): SecureStoreError {
  return new SecureStoreError('CONFLICT', `another run has published snapshot ${number} at ${url} meanwhile`, {
    retryable: true,
    advice: [{ id: 'try-again' }],
  });
}

/** The points of a destination. */
export class Points {
  readonly #destination: Destination;
  readonly #seals: BackupSeals;
  readonly #isForeign: (point: FoundPoint) => boolean;

  #known: RecentCache<number, FoundPoint> | undefined;

  /**
   * @param isForeign tells points that are not the store's own: their lists of removed points are ignored
   * @param cachedPoints how many of those that were read are not read again: none of them ever changes
   */
  constructor(
    destination: Destination,
    seals: BackupSeals,
    isForeign: (point: FoundPoint) => boolean = () => false,
    cachedPoints = 0,
  ) {
    if (cachedPoints > 0) this.#known = new RecentCache(cachedPoints);
    this.#destination = destination;
    this.#seals = seals;
    this.#isForeign = isForeign;
  }

  /**
   * The numbers of files with the name of a point, the newest first: any other writer can make such names.
   *
   * @param onStrange called with each name that no point can have
   * @throws SecureStoreError what the backend throws
   */
  async numbers(signal?: AbortSignal, onStrange?: (name: string) => void): Promise<number[]> {
    return Array.fromAsync(this.#numbers(signal, onStrange));
  }

  async *#numbers(signal?: AbortSignal, onStrange?: (name: string) => void): AsyncGenerator<number> {
    for await (const { key } of entriesUnder(this.#destination.backend, BACKUP_AREAS.points, { signal })) {
      const number = pointNumber(key);
      // The first point has the number 1.
      if (number === undefined || number === 0) onStrange?.(key);
      else yield number;
    }
  }

  /** All points, and files that are damaged or are no points, the newest first. @throws as {@link readOrDamaged} */
  async *all(signal?: AbortSignal): AsyncGenerator<FoundPoint | DamagedPoint> {
    for await (const number of this.#numbers(signal)) yield this.readOrDamaged(number, signal);
  }

  /** The numbers that the newest undamaged point of the store lists as removed. @throws as {@link readOrDamaged} */
  async removedNumbers(signal?: AbortSignal): Promise<readonly NumberRange[]> {
    for await (const read of this.all(signal)) {
      if (!('error' in read) && !this.#isForeign(read)) return read.removed;
    }
    return [];
  }

  /** A point, or what is wrong with it. @throws SecureStoreError `FORMAT_VERSION`, and what the backend throws */
  async readOrDamaged(number: number, signal?: AbortSignal): Promise<FoundPoint | DamagedPoint> {
    try {
      return await this.read(number, signal);
    } catch (error) {
      if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
      const found = await this.#destination.backend.read(pointName(number), { signal });
      return { number, digest: sha256(found?.body ?? Buffer.alloc(0)), error };
    }
  }

  /** @throws SecureStoreError `INTEGRITY` if it is missing or damaged; `FORMAT_VERSION`; what the backend throws */
  async read(number: number, signal?: AbortSignal): Promise<FoundPoint> {
    const known = this.#known?.get(number);
    if (known !== undefined) return known;
    const point = await decodingFile(() => this.#read(number, signal));
    this.#known?.set(number, point);
    return point;
  }

  async #read(number: number, signal: AbortSignal | undefined): Promise<FoundPoint> {
    const name = pointName(number);
    const body = await readWhole(this.#destination.backend, name, signal);
    const sealed = splitChecksum(`the file ${name} of the backup`, body);
    const plaintext = await this.#open(name, sealed, signal);
    const point = decodePoint(plaintext);
    if (point.number !== number) throw damagedFile(name, 'it holds another recovery point');
    const keyId = this.#seals.keyIdOf(sealed);
    return { ...point, digest: sha256(body), keyId, isOld: keyId !== this.#seals.primaryId };
  }

  /** An unknown format version is damage here: nothing has authenticated it yet, so any other writer can write it there. */
  async #open(name: string, sealed: Uint8Array, signal: AbortSignal | undefined): Promise<Buffer> {
    try {
      return await this.#seals.open('backupPoint', this.#destination.id, name, sealed, signal);
    } catch (error) {
      if (SecureStoreError.is(error, 'FORMAT_VERSION')) throw damagedFile(name, error.message);
      throw error;
    }
  }

  /** A point; `undefined` if it was removed meanwhile. @throws as {@link read} */
  async readUnlessRemoved(number: number, signal?: AbortSignal): Promise<FoundPoint | undefined> {
    try {
      return await this.read(number, signal);
    } catch (error) {
      if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
      if (!includesNumber(await this.removedNumbers(signal), number)) throw error;
      return undefined;
    }
  }

  /**
   * Publishes a point under its number, which is the commit of all that it names.
   *
   * @throws SecureStoreError `CONFLICT` if the number is taken; what the backend throws
   */
  async publish(point: Point, signal?: AbortSignal): Promise<FoundPoint> {
    const name = pointName(point.number);
    const { backend, id, url } = this.#destination;
    const sealed = this.#seals.seal('backupPoint', id, name, encodePoint(point));
    const body = withChecksum(sealed);
    const made: FoundPoint = { ...point, digest: sha256(body), keyId: this.#seals.keyIdOf(sealed), isOld: false };
    if (body.length > backend.capabilities.maxBodyBytes) {
      throw new SecureStoreError(
        'TOO_LARGE',
        `a snapshot of ${body.length} bytes is too large for ${url}, which holds ${backend.capabilities.maxBodyBytes}`,
        { advice: [{ id: 'choose-store-url' }] },
      );
    }
    for (let tries = 1; ; tries++) {
      try {
        await backend.write(name, body, { ifAbsent: true, signal });
        return made;
      } catch (error) {
        if (!SecureStoreError.is(error)) throw error;
        const isTaken = error.code === 'CONFLICT' || isRefused(error);
        if (!isTaken && (error.outcome !== 'unknown' || tries === MAX_TRIES)) throw error;
        // The file decides: no two bodies are the same.
        const found = await backend.read(name, { signal });
        if (found === undefined && isRefused(error)) throw error;
        if (found !== undefined && body.equals(found.body)) return made;
        if (found !== undefined) {
          throw published(url, point.number);
        }
      }
    }
  }
}

/** The fields of every point that describe the store and the process that makes it. */
function sayOf({ head, capabilities, clock }: BackupArea): Pick<Point, 'instance' | 'skew' | 'made' | 'history'> {
  return { instance: head.instance, skew: capabilities.clockSkew, made: clock.now(), history: head.history };
}

/** The fields of a snapshot. */
export type SnapshotFacts = Pick<
  Point,
  'number' | 'previous' | 'generation' | 'time' | 'gap' | 'label' | 'removed' | 'totals' | 'added' | 'pages' | 'others'
>;

/** A point with the whole index of the store. */
export function snapshotPoint(area: BackupArea, facts: SnapshotFacts): Point {
  return { ...sayOf(area), ...facts, kind: 'snapshot', base: facts.number, collects: false };
}

/** The point after `newest`, with what has changed since. */
export function changesPoint(
  area: BackupArea,
  newest: FoundPoint,
  facts: Pick<Point, 'number' | 'generation' | 'time' | 'gap' | 'pages' | 'added'>,
): Point {
  const { digest: previous, base, removed, totals, others } = newest;
  return {
    ...sayOf(area),
    base,
    removed,
    totals,
    others,
    ...facts,
    previous,
    kind: 'changes',
    collects: false,
    label: '',
  };
}
