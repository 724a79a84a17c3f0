import { readdirSync, readFileSync } from 'node:fs';
import type { ErrorCode } from '@securestore/core-format';
import type { WrapContext } from '@securestore/crypto';
import type { AnchorRecord } from '../../src/index.ts';

/** As packages/core-format/vectors/README.md describes them. */
interface Edit {
  readonly object: string;
  readonly gone?: true;
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

export type Unlock =
  | { readonly method: 'passphrase' | 'recoveryCode' | 'recipient'; readonly text: string }
  | { readonly method: 'keyFile' | 'rawKey'; readonly secret: string }
  | { readonly method: 'shares'; readonly texts: readonly string[] }
  | { readonly method: 'keyWrapper'; readonly id: string; readonly wraps: readonly Wrap[] };

/** What a key wrapper unwraps: for this context, or for any. */
export interface Wrap {
  readonly wrapped: string;
  readonly context?: WrapContext;
  readonly key: string;
}

export type Action =
  | { readonly do: 'open' }
  | { readonly do: 'retrieve'; readonly key: string; readonly version?: string }
  | { readonly do: 'list' }
  | { readonly do: 'own'; readonly object: string };

export interface Vector {
  readonly name: string;
  readonly description: string;
  readonly rule?: string;
  readonly base: string;
  readonly fault?: { readonly in: string };
  readonly edits: readonly Edit[];
  readonly unlock?: Unlock;
  readonly fingerprint?: string;
  readonly anchor?: AnchorRecord;
  readonly action: Action;
  readonly expect: 'ok' | ErrorCode;
  readonly names?: readonly string[];
  readonly released: { readonly bytes: number; readonly sha256: string };
}

interface Base {
  readonly name: string;
  readonly unlock: Unlock;
  readonly fingerprint: string;
  readonly objects: Readonly<Record<string, string>>;
}

const folder = new URL('../../../core-format/vectors/', import.meta.url);

const parsed = <T>(file: string): T => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as T;

const bases = new Map(parsed<{ bases: Base[] }>('bases.json').bases.map((base) => [base.name, base]));

/** All vectors, by the name of their file. */
export function loadVectors(): Map<string, readonly Vector[]> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json') && file !== 'bases.json');
  return new Map(files.map((file) => [file, parsed<{ vectors: Vector[] }>(file).vectors]));
}

export function baseOf({ base }: Pick<Vector, 'base'>): Base {
  const found = bases.get(base);
  if (found === undefined) throw new Error(`there is no base ${base}`);
  return found;
}

/** What lies at the backend. */
export function objectsOf(vector: Vector): Map<string, Buffer> {
  const objects = new Map(
    Object.entries(baseOf(vector).objects).map(([name, body]) => [name, Buffer.from(body, 'hex')]),
  );
  for (const { object, gone, at, remove, insert } of vector.edits) {
    if (gone === true) objects.delete(object);
    else {
      const body = objects.get(object) ?? Buffer.alloc(0);
      objects.set(
        object,
        Buffer.concat([body.subarray(0, at), Buffer.from(insert, 'hex'), body.subarray(at + remove)]),
      );
    }
  }
  return objects;
}
