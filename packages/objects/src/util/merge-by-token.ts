/** Something that lies under the token of an object. */
interface Tokened {
  readonly token: string;
}

/** What several sequences have under one token. */
export type Joined<T> = { readonly token: string } & { readonly [K in keyof T]?: T[K] };

interface Head<V> {
  readonly name: string;
  readonly iterator: AsyncIterator<V & Tokened>;
  next: (V & Tokened) | undefined;
}

async function advance<V>(head: Head<V>): Promise<void> {
  const step = await head.iterator.next();
  head.next = step.done === true ? undefined : step.value;
}

/**
 * Joins sequences, each in the order of its tokens and with each token once, in that order. In memory is one item of
 * each.
 */
export async function* joinByToken<T extends Record<string, Tokened>>(sequences: {
  readonly [K in keyof T]: AsyncIterable<T[K]>;
}): AsyncGenerator<Joined<T>> {
  const heads: Head<Tokened>[] = Object.entries<AsyncIterable<Tokened>>(sequences).map(([name, sequence]) => ({
    name,
    iterator: sequence[Symbol.asyncIterator](),
    next: undefined,
  }));
  try {
    for (const head of heads) await advance(head);
    for (;;) {
      const tokens = heads.flatMap(({ next }) => (next === undefined ? [] : [next.token]));
      const token = tokens.reduce<string | undefined>((a, b) => (a === undefined || b < a ? b : a), undefined);
      if (token === undefined) return;
      const found = heads.filter(({ next }) => next?.token === token);
      const parts = Object.fromEntries(found.map(({ name, next }) => [name, next]));
      for (const head of found) await advance(head);
      // The names of the parts are those of the sequences that they come from.
      yield { token, ...parts } as Joined<T>;
    }
  } finally {
    for (const { iterator } of heads) await iterator.return?.();
  }
}
