import { createFaultInjector } from '@securestore/backend-api';
import { HEAD_NAME } from '@securestore/core-format';
import { passphrase, randomPool, rawKey } from '@securestore/crypto';
import { describe, expect, it, vi } from 'vitest';
import type { CryptoEvent, Logger } from '../../src/index.ts';
import { attack } from '../support/attacker.ts';
import { EagerClock } from '../support/eager-clock.ts';
import type { Place } from '../support/places.ts';
import { person } from '../support/members.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, usePlace } from '../support/stores.ts';

const secret = (number: number): Buffer => Buffer.alloc(32, number);

interface Heard {
  readonly clock: EagerClock;
  readonly place: Place;
  readonly events: CryptoEvent[];
  readonly listen: { readonly clock: EagerClock; readonly onCryptoEvent: (event: CryptoEvent) => void };
  /** What has been told since the last call, without what the journal key did. */
  readonly take: () => CryptoEvent[];
}

const isOfJournal = (event: CryptoEvent): boolean => event.type === 'key.used' && event.key.kind === 'journal';

function hear(): Heard {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const events: CryptoEvent[] = [];
  const onCryptoEvent = (event: CryptoEvent): void => void events.push(event);
  const take = (): CryptoEvent[] => events.splice(0).filter((event) => !isOfJournal(event));
  return { clock, place, events, listen: { clock, onCryptoEvent }, take };
}

const used = (events: readonly CryptoEvent[]): object[] =>
  events.flatMap((event) =>
    event.type === 'key.used' ? [{ operation: event.operation, count: event.count, outcome: event.outcome }] : [],
  );

const typesOf = (events: readonly CryptoEvent[]): string[] => events.map(({ type }) => type);

describe('crypto events', () => {
  it('tell of the keys of a new store, and which slot opened it', async () => {
    const { place, listen, take, clock } = hear();
    const store = await createAt(place, { ...listen, categories: { pii: ['users/**'] } });
    const events = take();
    const [slot] = await store.slots.list();
    const states = await store.encryptionKeys.list();
    expect(typesOf(events)).toEqual(['slot.added', 'key.created', 'key.created', 'key.created', 'unlock']);
    expect(events[0]).toMatchObject({ slot: slot?.id, method: 'rawKey', outcome: 'done', time: new Date(clock.now()) });
    expect(events.at(-1)).toMatchObject({ type: 'unlock', slot: slot?.id, method: 'rawKey', outcome: 'done' });
    const created = events.flatMap((event) => (event.type === 'key.created' ? [event.key] : []));
    const expected = states.map(({ id, kind, category }) => ({ id, kind, suite: 1, ...(category && { category }) }));
    expect(created).toEqual(expected);
    expect(new Set(events.map(({ instanceId }) => instanceId)).size).toBe(1);
    expect(events[0]?.instanceId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('tell of members, and of what they open', async () => {
    const { place, listen, take } = hear();
    const store = await createAt(place, { ...listen, categories: { pii: ['users/**'] } });
    take();
    const { unlock, recipient } = await person();
    await store.members.add('ann', recipient, { categories: ['pii'] });
    expect(take()).toMatchObject([{ type: 'member.granted', recipient, outcome: 'done' }]);
    await openAt(place, { ...listen, unlock, fingerprint: store.fingerprint });
    const [opened] = take();
    expect(opened).toMatchObject({ type: 'unlock', method: 'recipient', outcome: 'done' });
    expect(opened).not.toHaveProperty('slot');
    await store.members.revoke('ann');
    const events = take();
    expect(events[0]).toMatchObject({ type: 'member.revoked', recipient, outcome: 'done' });
    expect(typesOf(events).filter((type) => type === 'key.replaced')).toHaveLength(2);
    await failure(openAt(place, { ...listen, unlock, fingerprint: store.fingerprint }), 'UNLOCK_FAILED');
    expect(take().at(-1)).toMatchObject({ type: 'unlock', method: 'recipient', outcome: 'UNLOCK_FAILED' });
    await store.members.add('ann', recipient, { categories: ['pii'] });
    take();
    await store.members.revokeAll();
    const [all] = take();
    expect(all).toMatchObject({ type: 'member.revoked', outcome: 'done' });
    expect(all).not.toHaveProperty('recipient');
  });

  it('tell of a secret that opens nothing, by its kind alone', async () => {
    const { place, listen, take } = hear();
    await (await createAt(place, listen)).close();
    const [{ instanceId } = { instanceId: '' }] = take();
    await failure(openAt(place, { ...listen, unlock: rawKey(secret(1)) }), 'UNLOCK_FAILED');
    const tried = { type: 'unlock', method: 'rawKey', outcome: 'UNLOCK_FAILED', instanceId };
    expect(take()).toEqual([{ ...tried, time: expect.any(Date) }]);
    const store = await openAt(place, listen);
    take();
    await failure(store.rotateEncryptionKey(secret(1), secret(2)), 'UNLOCK_FAILED');
    expect(take()).toEqual([{ ...tried, time: expect.any(Date) }]);
  });

  it('count what a key version does, and tell it after ten seconds', async () => {
    const { clock, place, listen, take } = hear();
    const store = await createAt(place, listen);
    take();
    const began = clock.now();
    for (let number = 0; number < 30; number++) await store.store(`a/${number}`, 'x', { ifAbsent: true });
    for (let number = 0; number < 20; number++) await store.retrieve(`a/${number}`);
    expect(take()).toEqual([]);
    clock.advance(9999);
    await Promise.resolve();
    expect(take()).toEqual([]);
    clock.advance(1);
    await vi.waitFor(
      () =>
        expect(used(take())).toEqual([
          { operation: 'seal', count: 30, outcome: 'done' },
          { operation: 'open', count: 20, outcome: 'done' },
        ]),
      60_000,
    );
    await store.retrieve('a/1');
    clock.advance(5000);
    await store.retrieve('a/1');
    await store.close();
    const [last, ...others] = take();
    expect(others).toEqual([]);
    const [version] = (await (await openAt(place, listen)).encryptionKeys.list()).filter(
      ({ kind }) => kind === 'category',
    );
    expect(last).toMatchObject({
      type: 'key.used',
      operation: 'open',
      count: 2,
      key: { id: version?.id, category: 'default', suite: 1 },
      since: new Date(began + 10_000),
      time: new Date(began + 15_000),
    });
  });

  it('tell of the work of a rotation in counts, between new keys and the end of the old ones', async () => {
    const { place, listen, take } = hear();
    const store = await createAt(place, listen);
    for (let number = 0; number < 300; number++) await store.store(`a/${number}`, 'x');
    const [slot] = await store.slots.list();
    const before = await store.encryptionKeys.list();
    take();
    await store.rotateEncryptionKey(secret(7), secret(8));
    await store.close();
    const events = take();
    const after = events.flatMap((event) => (event.type === 'key.created' ? [event.key.id] : []));
    expect(events.length).toBeLessThan(20);
    const changes = typesOf(events.filter(({ type }) => type !== 'key.used'));
    expect(changes).toEqual([
      'unlock',
      'slot.added',
      'slot.removed',
      'rootKey.rotated',
      'key.replaced',
      'key.created',
      'key.replaced',
      'key.created',
      'key.disabled',
      'key.disabled',
    ]);
    expect(events).toContainEqual(expect.objectContaining({ type: 'slot.removed', slot: slot?.id, outcome: 'done' }));
    expect(events).toContainEqual(expect.objectContaining({ type: 'rootKey.rotated', rootKey: 2 }));
    const rewraps = events.filter((event) => event.type === 'key.used' && event.operation === 'rewrap');
    expect(rewraps.reduce((sum, event) => sum + (event.type === 'key.used' ? event.count : 0), 0)).toBe(300);
    for (const event of rewraps) {
      if (event.type !== 'key.used') continue;
      expect(after).toContain(event.key.id);
      expect(before.map(({ id }) => id)).toContain(event.from);
    }
    // What was counted is told before the change that follows.
    expect(typesOf(events).lastIndexOf('key.disabled')).toBeGreaterThan(
      events.findLastIndex((event) => rewraps.includes(event)),
    );
  });

  it('tell of keys that are to be destroyed, brought back, and destroyed', async () => {
    const { place, listen, take, clock } = hear();
    const store = await createAt(place, { ...listen, categories: { pii: ['users/**'] } });
    await store.store('users/1', 'x');
    take();
    const tell = async (act: () => Promise<unknown>): Promise<CryptoEvent[]> => {
      await act();
      return take().filter(({ type }) => type.startsWith('key.') && type !== 'key.used');
    };
    const key = expect.objectContaining({ category: 'pii', kind: 'category' });
    expect(await tell(() => store.encryptionKeys.destroy('pii', { waitingPeriod: 1000 }))).toEqual([
      expect.objectContaining({ type: 'key.scheduled', key, destroyAt: expect.any(Date), outcome: 'done' }),
    ]);
    expect(await tell(() => store.encryptionKeys.undo('pii'))).toMatchObject([{ type: 'key.restored', key }]);
    await store.encryptionKeys.destroy('pii', { waitingPeriod: 1000 });
    take();
    clock.advance(2000);
    expect(await tell(() => store.encryptionKeys.destroyDue())).toMatchObject([
      { type: 'key.destroyed', key, outcome: 'done' },
    ]);
  });

  it('tell of what does not open, once with its count, and of suites that are refused', async () => {
    const { place, listen, take } = hear();
    const store = await createAt(place, listen);
    await store.store('a', 'x');
    await store.store('b', 'y');
    const attacker = await attack(place);
    const backend = await place.open();
    const [first, second] = await attacker.names('o/');
    const flip = async (name: string | undefined, at: number): Promise<void> => {
      const found = await backend.read(name ?? '');
      const bytes = Buffer.from(found?.body ?? []);
      const index = at < 0 ? bytes.length + at : at;
      bytes.writeUInt8(bytes.readUInt8(index) ^ 3, index);
      await backend.write(name ?? '', bytes);
    };
    await flip(first, -1);
    // The byte of the suite.
    await flip(second, 5);
    for (let times = 0; times < 3; times++) {
      await failure(store.retrieve('a'), 'INTEGRITY');
      await failure(store.retrieve('b'), 'INTEGRITY');
    }
    await store.close();
    const events = take();
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'key.used', operation: 'open', count: 3, outcome: 'INTEGRITY' }),
    );
    expect(events).toContainEqual(expect.objectContaining({ type: 'suite.refused', suite: 2, count: 3 }));
  });

  it('tell of a change that failed', async () => {
    const { place, listen, take } = hear();
    await createAt(place, listen);
    const injector = createFaultInjector();
    const store = await openAt(place, { ...listen, layers: [injector.layer] });
    take();
    injector.plan(({ operation, key }) => (operation === 'write' && key === HEAD_NAME ? { type: 'fail' } : undefined));
    await failure(store.slots.add(secret(9)), 'UNAVAILABLE');
    expect(take()).toMatchObject([{ type: 'slot.added', method: 'rawKey', outcome: 'UNAVAILABLE' }]);
  });

  // T-PROCESS-03
  it('hold no names of objects, no payloads, metadata, secrets and keys', async () => {
    const { place, listen, events } = hear();
    const pass = 'a passphrase in sight';
    const made: Buffer[] = [];
    const pool = randomPool();
    const random = (count: number): Buffer => {
      const bytes = pool(count);
      if (count === 32) made.push(Buffer.from(bytes));
      return bytes;
    };
    const store = await createAt(place, { ...listen, random, unlock: passphrase(pass) });
    await store.store('a-name/in-sight', 'a payload in sight', { metadata: { some: 'metadata in sight' } });
    await store.retrieve('a-name/in-sight');
    await store.rotateEncryptionKey(pass, secret(9));
    await store.close();
    const text = JSON.stringify(events);
    expect(text).toContain('key.used');
    expect(text).not.toContain('sight');
    expect(made.length).toBeGreaterThan(5);
    for (const key of [...made, secret(9)]) {
      for (const form of ['hex', 'base64', 'latin1'] as const) expect(text).not.toContain(key.toString(form));
      expect(text).not.toContain(JSON.stringify([...key]).slice(1, -1));
    }
  });

  it.each<readonly [string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('what only the application may know');
      },
    ],
    ['rejects', () => Promise.reject(new Error('what only the application may know'))],
  ])('whose listener %s are lost and logged, and nothing else happens', async (_how, fail) => {
    const { clock, place } = hear();
    const lines: unknown[] = [];
    const log = (fields: object, message: string): void => void lines.push({ ...fields, message });
    const logger: Logger = { debug: log, info: log, warn: log, error: log };
    const store = await createAt(place, { clock, logger, onCryptoEvent: fail });
    await store.store('a', 'x');
    await store.slots.add(secret(9));
    expect((await store.retrieve('a')).text()).toBe('x');
    await store.close();
    await new Promise((done) => setImmediate(done));
    const told = lines.map((line) => (line as { type: string }).type);
    expect(new Set(told)).toEqual(new Set(['slot.added', 'key.created', 'unlock', 'key.used']));
    expect(JSON.stringify(lines)).not.toContain('application');
  });
});
