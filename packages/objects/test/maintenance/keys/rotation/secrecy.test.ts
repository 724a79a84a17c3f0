import { inspect } from 'node:util';
import { createFaultInjector } from '@securestore/backend-api';
import { generateIdentity, identity, passphrase, rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { Job, UnlockSecret } from '../../../../src/index.ts';
import { attack } from '../../../support/attacker.ts';
import { EagerClock } from '../../../support/eager-clock.ts';
import { memoryPlace } from '../../../support/places.ts';
import { createAt, failure, openAt, usePlace } from '../../../support/stores.ts';
import { LONG } from '../../../../../../tools/campaigns/src/size.ts';

const PASSPHRASE = 'canary-passphrase-Ui55';
const NEXT = 'canary-passphrase-Op66';
const KEY = Buffer.from('canary-raw-key-of-32-bytes-As77.');
const OLD = Buffer.alloc(32, 7);

const IDENTITY = generateIdentity().toString('latin1');
const PRIVATE_KEY = await identity(IDENTITY).secret();

const CANARIES = [PASSPHRASE, NEXT, KEY.toString(), IDENTITY, PRIVATE_KEY.toString('latin1')].flatMap((text) => [
  text,
  Buffer.from(text, 'latin1').toString('hex'),
  Buffer.from(text, 'latin1').toString('base64').slice(0, -4),
]);

const leaks = (text: string): string[] => CANARIES.filter((canary) => text.includes(canary));

function textOf(value: unknown): string {
  const causes: string[] = [];
  for (let cause = value; cause instanceof Error; cause = cause.cause) causes.push(cause.message, cause.stack ?? '');
  return `${inspect(value, { depth: 20, showHidden: true })}\n${JSON.stringify(value)}\n${causes.join('\n')}`;
}

describe('no secret shows', () => {
  // T-CURIOUS-02
  it('in what rotations, slots and jobs leave at the backend, say, log or throw, wherever they are stopped', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const said: unknown[] = [];
    const log = (...line: unknown[]): void => void said.push(line);
    const logger = { debug: log, info: log, warn: log, error: log };
    const injector = createFaultInjector();
    const store = await createAt(place, { clock, logger, unlock: passphrase(PASSPHRASE), layers: [injector.layer] });
    await store.store('k', 'data');
    said.push(await store.slots.add(KEY), await store.slots.add(identity(IDENTITY)), await store.slots.list());
    const attacker = await attack(place);
    const stored: string[] = [];
    const rotate = async (from: UnlockSecret, to: UnlockSecret, failAt: number): Promise<void> => {
      const before = injector.calls;
      injector.plan(({ index }) => (index === before + failAt ? { type: 'fail' } : undefined));
      const job: Job<unknown> = store.rotateEncryptionKey(from, to);
      said.push(await job.catch((error: unknown) => error));
      injector.plan(undefined);
      said.push(await store.jobs.list(), await store.encryptionKeys.list());
      for (const [name, body] of await attacker.copy()) stored.push(name, Buffer.from(body).toString('latin1'));
    };
    await rotate('wrong', NEXT, -1);
    await rotate(identity(generateIdentity()), NEXT, -1);
    await rotate(identity(IDENTITY.slice(0, -1)), NEXT, -1);
    await rotate(identity(IDENTITY), identity(IDENTITY), 5);
    for (const failAt of LONG ? [1, 3, 5, 7, 9, 11] : [3, 9]) await rotate(KEY, KEY, failAt);
    await rotate(PASSPHRASE, NEXT, 6);
    await store.slots.add('').catch((error: unknown) => said.push(error));
    expect(said.filter((value) => value instanceof Error).length).toBeGreaterThan(4);
    for (const text of said.map(textOf)) expect(leaks(text), text).toEqual([]);
    for (const body of stored) expect(leaks(body)).toEqual([]);
    expect(leaks(textOf({ note: `x${PASSPHRASE}y` }))).toEqual([PASSPHRASE]);
  });
});

it('two rotations at once: one runs, the other one is LOCKED and changes nothing', async () => {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const injector = createFaultInjector();
  const store = await createAt(place, { clock, layers: [injector.layer] });
  await store.slots.add(KEY);
  const other = await openAt(place, { clock, unlock: rawKey(KEY) });
  await store.store('k', 'data');
  const refused = Promise.withResolvers<void>();
  // Else it may be done before anybody else has looked.
  injector.plan(({ operation }) => (operation === 'list' ? { type: 'delay', until: refused.promise } : undefined));
  const first = store.rotateEncryptionKey(OLD, Buffer.alloc(32, 8));
  await expect.poll(async () => (await other.jobs.list()).length).toBe(1);
  await failure(other.rotateEncryptionKey(KEY, Buffer.alloc(32, 9)), 'LOCKED');
  await failure(store.rotateEncryptionKey(KEY, Buffer.alloc(32, 9)), 'LOCKED');
  refused.resolve();
  expect(await first).toMatchObject({ failed: 0 });
  expect((await (await openAt(place, { clock, unlock: rawKey(KEY) })).retrieve('k')).text()).toBe('data');
  await failure(openAt(place, { clock, unlock: rawKey(Buffer.alloc(32, 9)) }), 'UNLOCK_FAILED');
});
