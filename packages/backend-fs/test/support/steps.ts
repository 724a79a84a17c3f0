import type { StorageBackend } from '@securestore/backend-api';
import { selfProving } from './bodies.ts';

/** One change to one key, and the body that the key then has. */
export interface Step {
  readonly key: string;
  readonly after: Uint8Array | undefined;
  readonly run: () => Promise<unknown>;
}

/** Steps that make, replace and remove objects, with and without conditions, and with new and emptied folders. */
export function stepsOf(backend: StorageBackend): Step[] {
  const put = (key: string, text: string, size: number, ifAbsent?: true): Step => {
    const after = selfProving(text, size);
    return { key, after, run: () => backend.write(key, after, ifAbsent === undefined ? {} : { ifAbsent }) };
  };
  const replaced = selfProving('replaced', 2000);
  const replace = async (): Promise<unknown> => {
    const current = await backend.read('store');
    return backend.write(
      'store',
      replaced,
      current === undefined ? { ifAbsent: true } : { ifMatch: current.etag ?? '' },
    );
  };
  return [
    put('store', 'first', 1000),
    put('o/a', 'one', 1000, true),
    put('b/x./@1/0', 'part', 300_000, true),
    { key: 'store', after: replaced, run: replace },
    { key: 'b/x./@1/0', after: undefined, run: () => backend.delete('b/x./@1/0') },
    put('o/a', 'two', 500),
  ];
}
