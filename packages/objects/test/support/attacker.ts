import type { StorageBackend } from '@securestore/backend-api';
import type { Place } from './places.ts';
import { atEnd } from './stores.ts';

/** Whoever controls the backend and has no secret: reads, changes and removes its bodies at will. */
export interface Attacker {
  names(prefix?: string): Promise<string[]>;
  /** The only name under a prefix. */
  name(prefix: string): Promise<string>;
  get(name: string): Promise<Buffer>;
  put(name: string, body: Uint8Array): Promise<void>;
  remove(name: string): Promise<void>;
  swap(a: string, b: string): Promise<void>;
  /** All there is. */
  copy(): Promise<Map<string, Buffer>>;
  /** Puts back what {@link copy} gave, and nothing else. */
  restore(copy: ReadonlyMap<string, Buffer>): Promise<void>;
}

async function namesUnder(backend: StorageBackend, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for (let after: string | undefined; ;) {
    const page = await backend.list(prefix, after === undefined ? {} : { after });
    names.push(...page.entries.map(({ key }) => key));
    after = names.at(-1);
    if (!page.more) return names;
  }
}

export async function attack(place: Place): Promise<Attacker> {
  const backend = await place.open();
  atEnd(() => backend.close());
  const get = async (name: string): Promise<Buffer> => {
    const found = await backend.read(name);
    if (found === undefined) throw new Error(`nothing at ${name}`);
    return Buffer.from(found.body);
  };
  const put = async (name: string, body: Uint8Array): Promise<void> => void (await backend.write(name, body));
  const names = (prefix = ''): Promise<string[]> => namesUnder(backend, prefix);
  return {
    names,
    get,
    put,
    remove: (name) => backend.delete(name),
    async name(prefix) {
      const [first, second] = await names(prefix);
      if (first === undefined || second !== undefined) throw new Error(`not exactly one name under ${prefix}`);
      return first;
    },
    async swap(a, b) {
      const [first, second] = [await get(a), await get(b)];
      await put(a, second);
      await put(b, first);
    },
    async copy() {
      const all = new Map<string, Buffer>();
      for (const name of await names()) all.set(name, await get(name));
      return all;
    },
    async restore(copy) {
      for (const name of await names()) if (!copy.has(name)) await backend.delete(name);
      for (const [name, body] of copy) await put(name, body);
    },
  };
}

/** `body` with one bit of one byte flipped. */
export function flipped(body: Buffer, at: number, bit = at % 8): Buffer {
  const changed = Buffer.from(body);
  changed.writeUInt8(changed.readUInt8(at) ^ (1 << bit), at);
  return changed;
}
