/** What has the highest bound comes first. */
export class BoundQueue<T extends { readonly bound: number }> {
  readonly #heap: T[] = [];

  get first(): T | undefined {
    return this.#heap[0];
  }

  push(item: T): void {
    const heap = this.#heap;
    let at = heap.length;
    for (let parent = (at - 1) >> 1; at > 0; parent = (at - 1) >> 1) {
      const above = heap[parent];
      if (above === undefined || above.bound >= item.bound) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = item;
  }

  pop(): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const item = heap.pop();
    if (item === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      const isRight = right !== undefined && left !== undefined && right.bound > left.bound;
      const child = isRight ? right : left;
      if (child === undefined || child.bound <= item.bound) break;
      heap[at] = child;
      at = 2 * at + (isRight ? 2 : 1);
    }
    heap[at] = item;
    return first;
  }
}
