import assert from 'node:assert/strict';
import type { BackendCapabilities } from '@securestore/backend-api';

/** When writes took place by the backend's clock, as far as it was seen, in the order of the writes. */
export class Sightings {
  readonly #order = new Map<number, number>();
  readonly #modified = new Map<number, number>();

  wrote(id: number): void {
    this.#order.set(id, this.#order.size);
  }

  /** `modified` is always the same for one write, and in the order of the writes; `now` is not before it. */
  saw(
    { clockSkew, modifiedResolution, now: hasNow }: BackendCapabilities,
    id: number,
    { modified, now }: { readonly modified: number; readonly now?: number },
  ): void {
    assert.equal(modified, this.#modified.get(id) ?? modified, `modified of write ${id} changed`);
    this.#modified.set(id, modified);
    const place = this.#order.get(id) ?? 0;
    for (const [other, seen] of this.#modified) {
      const apart = (this.#order.get(other) ?? 0) < place ? seen - modified : modified - seen;
      const message = `modified of the writes ${id} and ${other}, ${modified} and ${seen}, is not in their order`;
      assert.ok(other === id || apart <= clockSkew, message);
    }
    if (!hasNow || now === undefined) return;
    assert.ok(now >= modified - clockSkew - modifiedResolution, `now, ${now}, is before modified, ${modified}`);
  }
}
