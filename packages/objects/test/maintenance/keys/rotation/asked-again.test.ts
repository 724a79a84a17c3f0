import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { CryptoEvent, Logger } from '../../../../src/index.ts';
import { extensionsOf } from '../../../../src/internal.ts';
import { EagerClock } from '../../../support/eager-clock.ts';
import { memoryPlace } from '../../../support/places.ts';
import type { Extras } from '../../../support/stores.ts';
import { createAt, failure, openAt, UNLOCK, usePlace } from '../../../support/stores.ts';

const OLD = Buffer.alloc(32, 7);
const NEW = Buffer.alloc(32, 8);
/** So long that the head is read anew, in milliseconds. */
const STALE = 5500;

/** A store, and a process that has it open by a secret which is asked for when it is needed. */
async function world(extras: Extras = {}) {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const owner = await createAt(place, { clock });
  await owner.store('k', 'before');
  const source = { secret: OLD, asked: 0, answers: Promise.resolve() };
  const logged: string[] = [];
  const say = (_fields: object, message: string): void => void logged.push(message);
  const logger: Logger = { debug: say, info: say, warn: say, error: say };
  const unlock = rawKey(async () => {
    source.asked += 1;
    await source.answers;
    return source.secret;
  });
  const process = await openAt(place, { clock, unlock, logger, ...extras });
  /** @returns why the process can't go on, once it has looked */
  const blocked = async (): Promise<string | undefined> => {
    clock.advance(STALE);
    return (await extensionsOf(process).health.blocked())?.code;
  };
  return { clock, place, owner, process, source, logged, blocked };
}

describe('a process whose secret is replaced by another one', () => {
  // T-REVOKED-03
  it.each(['unlock', 'keys', 'data'] as const)(
    'goes on once its source gives the new one (depth %s), and not before',
    async (depth) => {
      const events: CryptoEvent[] = [];
      const { clock, owner, process, source, logged, blocked } = await world({
        onCryptoEvent: (event) => void events.push(event),
      });
      await owner.rotateEncryptionKey(UNLOCK, rawKey(NEW), { depth });
      clock.advance(STALE);
      await failure(process.store('k', 'after'), 'LOCKED');
      expect(await blocked()).toBe('LOCKED');
      expect(logged).toEqual([
        expect.stringMatching(/LOCKED: .* \(the raw key does not unlock the store\)\. The unlock secret is read again/),
      ]);

      source.secret = NEW;
      expect(await blocked()).toBeUndefined();
      await process.store('k', 'after');
      expect((await owner.retrieve('k')).text()).toBe('after');
      expect(logged).toEqual([expect.anything(), expect.stringMatching(/read again, and opens another slot$/)]);
      const opened = events.flatMap((event) => (event.type === 'unlock' ? [event] : []));
      expect(opened.map(({ outcome }) => outcome)).toEqual(['done', 'done']);
      expect(opened[1]?.slot).not.toBe(opened[0]?.slot);

      // The slot that it has now is followed as the first one was.
      await owner.rotateEncryptionKey(rawKey(NEW), rawKey(NEW), { depth: 'unlock' });
      clock.advance(STALE);
      await process.store('k', 'later');
      expect(source.asked).toBeLessThanOrEqual(4);
    },
  );

  it('goes on without a break if its source gives the new one by then', async () => {
    const { clock, owner, process, source, logged } = await world();
    source.secret = NEW;
    await owner.rotateEncryptionKey(UNLOCK, rawKey(NEW), { depth: 'unlock' });
    clock.advance(STALE);
    await process.store('k', 'after');
    expect(logged).toHaveLength(1);
  });

  it('reads on while its source does not answer, and uses an answer that comes late', async () => {
    const { clock, owner, process, source, blocked } = await world();
    const answer = Promise.withResolvers<void>();
    source.answers = answer.promise;
    source.secret = NEW;
    await owner.rotateEncryptionKey(UNLOCK, rawKey(NEW), { depth: 'unlock' });
    expect(await blocked()).toBe('LOCKED');
    expect((await process.retrieve('k')).text()).toBe('before');
    expect(await blocked()).toBe('LOCKED');
    expect(source.asked).toBe(2);
    answer.resolve();
    expect(await blocked()).toBeUndefined();
    clock.advance(STALE);
    await process.store('k', 'after');
  });

  it('stays LOCKED if its source fails, whose message is told to nobody', async () => {
    const { owner, source, logged, blocked } = await world();
    source.answers = Promise.reject(new Error('the passphrase is hunter2'));
    source.answers.catch(() => undefined);
    await owner.rotateEncryptionKey(UNLOCK, rawKey(NEW), { depth: 'unlock' });
    for (let n = 0; n < 3; n++) expect(await blocked()).toBe('LOCKED');
    expect(logged).toEqual([expect.stringContaining('the source of the unlock secret failed')]);
    expect(logged.join('\n')).not.toContain('hunter2');
  });
});

// T-REVOKED-03
it('a process whose slot was removed stays LOCKED, however often its secret is asked for', async () => {
  const { clock, place, owner, process, source, logged, blocked } = await world();
  await owner.slots.add(NEW);
  const other = await openAt(place, { clock, unlock: rawKey(NEW) });
  const first = (await other.slots.list()).find(({ current }) => !current);
  await other.slots.remove(first?.id ?? '');
  for (let n = 0; n < 5; n++) expect(await blocked()).toBe('LOCKED');
  await failure(process.store('k', 'after'), 'LOCKED');
  expect(source.asked).toBeGreaterThan(3);
  expect(logged).toHaveLength(1);
});
