import type { BackendCapabilities, StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/index.ts';
import type { Attacker } from '../support/attacker.ts';
import { attack, flipped } from '../support/attacker.ts';
import { memoryPlace, withoutBatch } from '../support/places.ts';
import { createAt, failure, patterned, usePlace } from '../support/stores.ts';

const CHUNK = 64 * 1024 + 16;
const PREFIX = 64;

/** A store whose parts hold `chunks` chunks, with two objects of several parts. */
async function prepared(
  length: number,
): Promise<{ store: ObjectStore; attacker: Attacker; data: Buffer; parts: string[] }> {
  const place = usePlace(memoryPlace);
  const store = await createAt(place, {
    wrap: (backend) => {
      const inner = withoutBatch(backend);
      const capabilities = { ...inner.capabilities, maxBodyBytes: 4 * CHUNK + PREFIX };
      return new Proxy(inner, {
        get: (target, property) => (property === 'capabilities' ? capabilities : Reflect.get(target, property)),
      });
    },
  });
  const data = patterned(length);
  await store.store('k', data);
  const attacker = await attack(place);
  return { store, attacker, data, parts: await attacker.names('b/') };
}

/** Reading must fail, and what a stream released before must be what was stored. */
async function expectRefused({ store, data }: { store: ObjectStore; data: Buffer }, note: string): Promise<void> {
  await failure(store.retrieve('k'), 'INTEGRITY').catch((error: unknown) => {
    throw new Error(`${note}: retrieve`, { cause: error });
  });
  const { stream } = await store.retrieveStream('k');
  let released = 0;
  const reading = (async () => {
    for await (const chunk of stream) {
      expect(data.subarray(released, released + chunk.length).equals(chunk), note).toBe(true);
      released += chunk.length;
    }
  })();
  expect(await failure(reading, 'INTEGRITY'), note).toMatchObject({ key: 'k', operation: 'retrieveStream' });
}

describe('the parts of a large object', () => {
  // T-BACKEND-03
  it('with any byte of the header, or around any boundary, changed are refused', async () => {
    const world = await prepared(600_000);
    const { attacker, parts } = world;
    expect(parts.length).toBe(3);
    for (const [index, part] of parts.entries()) {
      const body = await attacker.get(part);
      const start = index === 0 ? PREFIX : 0;
      const positions = new Set([0, body.length - 1, body.length - 16, body.length - 17]);
      if (index === 0) for (let at = 0; at < PREFIX; at++) positions.add(at);
      for (let chunk = 0; start + chunk * CHUNK < body.length; chunk++) {
        for (const at of [-17, -16, -1, 0, 1, 32_768]) positions.add(start + chunk * CHUNK + at);
      }
      for (const at of positions) {
        if (at < 0 || at >= body.length) continue;
        await attacker.put(part, flipped(body, at));
        await expectRefused(world, `part ${index}, byte ${at}`);
      }
      await attacker.put(part, body);
    }
    expect(world.data.equals((await world.store.retrieve('k')).data)).toBe(true);
  });

  it.each([600_000, 8 * 64 * 1024, 4 * 64 * 1024])(
    'cut, extended, emptied, exchanged or removed (%i bytes) are refused',
    async (length) => {
      const world = await prepared(length);
      const { attacker, parts } = world;
      const copy = await attacker.copy();
      for (const [index, part] of parts.entries()) {
        const body = await attacker.get(part);
        for (const [what, changed] of [
          ['cut by one byte', body.subarray(0, -1)],
          ['cut by a chunk', body.subarray(0, Math.max(0, body.length - CHUNK))],
          ['emptied', Buffer.alloc(0)],
          ['extended by one byte', Buffer.concat([body, Buffer.alloc(1)])],
          ['extended by a chunk', Buffer.concat([body, body.subarray(-CHUNK)])],
          ['zeroed', Buffer.alloc(body.length)],
        ] as const) {
          if (changed.length === body.length && changed.equals(body)) continue;
          await attacker.put(part, changed);
          await expectRefused(world, `part ${index} ${what}`);
        }
        await attacker.put(part, body);
        const next = parts[(index + 1) % parts.length] ?? part;
        if (next !== part) {
          await attacker.swap(part, next);
          await expectRefused(world, `part ${index} exchanged`);
          await attacker.swap(part, next);
        }
        await attacker.remove(part);
        await expectRefused(world, `part ${index} removed`);
        await attacker.restore(copy);
      }
    },
  );

  // T-BACKEND-03
  it('with chunks exchanged are refused', async () => {
    const world = await prepared(600_000);
    const [part = ''] = world.parts;
    const body = await world.attacker.get(part);
    const changed = Buffer.from(body);
    body.copy(changed, PREFIX, PREFIX + CHUNK, PREFIX + 2 * CHUNK);
    body.copy(changed, PREFIX + CHUNK, PREFIX, PREFIX + CHUNK);
    await world.attacker.put(part, changed);
    await expectRefused(world, 'chunks exchanged');
  });

  // T-BACKEND-03
  it('of another object or another version are refused', async () => {
    const world = await prepared(600_000);
    const { store, attacker, parts } = world;
    await store.store('other', patterned(600_000, 2));
    const others = (await attacker.names('b/')).filter((name) => !parts.includes(name));
    const copy = await attacker.copy();
    for (const [index, part] of parts.entries()) {
      await attacker.put(part, await attacker.get(others[index] ?? ''));
      await expectRefused(world, `part ${index} of another object`);
      await attacker.restore(copy);
    }
    for (const [index, part] of parts.entries()) await attacker.put(part, await attacker.get(others[index] ?? ''));
    await expectRefused(world, 'all parts of another object');
  });

  it('are not read beyond what a range needs, and the range is authentic', async () => {
    const { store, attacker, parts, data } = await prepared(600_000);
    const last = parts.at(-1) ?? '';
    await attacker.put(last, flipped(await attacker.get(last), 5));
    const { stream } = await store.retrieveStream('k', { start: 10, end: 70_000 });
    expect(data.subarray(10, 70_000).equals(Buffer.concat(await Array.fromAsync(stream)))).toBe(true);
    const end = await store.retrieveStream('k', { start: 530_000 });
    await failure(Array.fromAsync(end.stream), 'INTEGRITY');
  });
});

/** A store over a backend that hands each reader of a payload the same buffer, and a reader that has begun. */
async function readTwice(
  declare: (capabilities: BackendCapabilities) => BackendCapabilities,
): Promise<{ readonly rest: Promise<Buffer> }> {
  const data = patterned(600_000);
  const bodies = new Map<string, ReturnType<StorageBackend['read']>>();
  const store = await createAt(usePlace(memoryPlace), {
    wrap: (backend) =>
      forwardTo(backend, {
        declare,
        read: (name, options) => {
          if (!name.startsWith('b/')) return backend.read(name, options);
          const body = bodies.get(name) ?? backend.read(name, options);
          bodies.set(name, body);
          return body;
        },
      }),
  });
  await store.store('k', data);
  const { stream } = await store.retrieveStream('k');
  const reader = stream.getReader();
  const begin = (await reader.read()).value ?? Buffer.alloc(0);
  expect(data.equals((await store.retrieve('k')).data)).toBe(true);
  const rest = (async () => {
    const read = [begin];
    for (let step = await reader.read(); !step.done; step = await reader.read()) read.push(step.value);
    const all = Buffer.concat(read);
    expect(all.equals(data)).toBe(true);
    return all;
  })();
  return { rest };
}

it('a backend that hands one buffer to two readers makes no wrong bytes', async () => {
  const { rest } = await readTwice((capabilities) => ({ ...capabilities, keepsBodies: false }));
  await failure(rest, 'INTEGRITY');
});

it('a backend that keeps bodies may hand one buffer to two readers', async () => {
  const { rest } = await readTwice((capabilities) => capabilities);
  expect(await rest).toHaveLength(600_000);
});
