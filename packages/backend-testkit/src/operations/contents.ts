import { bytes } from '../support/checks.ts';
import type { DeleteStep, EtagOf, WriteStep } from './operation.ts';

/** A body that is stored: the write that it came with. */
export type Stored = Pick<WriteStep, 'id' | 'size'>;

/** The body of a write. It begins with the id, so that no two of four bytes or more are alike. */
export function bodyOf({ id, size }: Stored): Uint8Array {
  const body = bytes(size, id);
  for (let index = 0; index < Math.min(size, 4); index += 1) body[index] = id >>> (8 * index);
  return body;
}

function alike(one: Stored, other: Stored): boolean {
  if (one.size !== other.size || one.size >= 4) return one.id === other.id;
  return Buffer.compare(bodyOf(one), bodyOf(other)) === 0;
}

/** What the contract says is stored, as a plain map. */
export class Contents {
  readonly #stored = new Map<string, Stored>();
  readonly #written = new Map<number, Stored>();

  get(key: string): Stored | undefined {
    return this.#stored.get(key);
  }

  /** The keys in byte order. */
  keys(): string[] {
    return [...this.#stored.keys()].toSorted();
  }

  /** The ids of all writes that took place. */
  ids(): number[] {
    return [...this.#written.keys()];
  }

  /**
   * The write whose etag a condition is about. A backend may give identical bytes the same etag again, or may not: so
   * that of the same bytes as are there stands for the one that is there.
   */
  meant(key: string, ifMatch: EtagOf): EtagOf {
    const current = this.#stored.get(key);
    const named = this.#written.get(ifMatch);
    return current !== undefined && named !== undefined && alike(current, named) ? current.id : ifMatch;
  }

  /** Whether the condition of a step is met. */
  allows(step: WriteStep | DeleteStep): boolean {
    const current = this.#stored.get(step.key);
    if (step.do === 'write' && step.ifAbsent === true) return current === undefined;
    return step.ifMatch === undefined || current?.id === this.meant(step.key, step.ifMatch);
  }

  /** Does a step, whatever its condition. */
  apply(step: WriteStep | DeleteStep): void {
    if (step.do === 'delete') {
      this.#stored.delete(step.key);
      return;
    }
    const { id, key, size } = step;
    this.#stored.set(key, { id, size });
    this.#written.set(id, { id, size });
  }
}
