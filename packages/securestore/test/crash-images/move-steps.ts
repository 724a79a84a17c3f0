import { join } from 'node:path';
import type { Scheme } from './store-steps.ts';
import { fileAnchor, rawKey } from '../../src/index.ts';

/** A store that moves, and how whoever moves it and whoever uses it open it. */
export interface Move {
  readonly from: string;
  readonly to: string;
  readonly options: {
    readonly unlock: ReturnType<typeof rawKey>;
    readonly anchor: ReturnType<typeof fileAnchor>;
  };
}

export function moveIn(root: string, from: Scheme, to: Scheme): Move {
  const anchor = fileAnchor(join(root, 'state'));
  return {
    from: `${from}:${join(root, 'old', 'vault')}`,
    to: `${to}:${join(root, 'new', 'vault')}`,
    options: { unlock: rawKey(Buffer.alloc(32, 7)), anchor },
  };
}

/** What is in the store before. */
export const BEFORE: Readonly<Record<string, string>> = {
  'kept/small': 'kept',
  'kept/large': 'large '.repeat(20_000),
  ...Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`kept/${n}`, `${n}`])),
};

/** What is written meanwhile, to four objects in turn; one in five is in parts. */
export function written(n: number): { readonly key: string; readonly data: string } {
  return { key: `busy/${n % 4}`, data: `${n} `.repeat(n % 5 === 0 ? 30_000 : 1) };
}
