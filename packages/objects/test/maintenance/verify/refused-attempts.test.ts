import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { AREAS, historyName, objectName, splitRecord } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../../src/index.ts';
import { differences } from '../../../src/journal/full-scan-diff.ts';
import { attack } from '../../support/attacker.ts';
import { EagerClock } from '../../support/eager-clock.ts';
import { engineAt } from '../../support/engines.ts';
import type { Place } from '../../support/places.ts';
import { memoryPlace, withoutBatch } from '../../support/places.ts';
import { tokenOf } from '../../support/scenes.ts';
import { createAt, openAt, usePlace } from '../../support/stores.ts';

const SECOND = 1000;

/** A record that a writer sent, accepted or not. */
interface Sent {
  readonly name: string;
  readonly body: Buffer;
}

/** A backend that remembers every record that it is sent. @param before called with each */
function keeping(sent: Sent[], before: (count: number) => Promise<void> | void = () => undefined) {
  return (inner: StorageBackend): StorageBackend => {
    const plain = withoutBatch(inner);
    return forwardTo(plain, {
      async write(name, body, options) {
        if (name.startsWith(AREAS.objects)) {
          sent.push({ name, body: Buffer.from(body) });
          await before(sent.length);
        }
        return plain.write(name, body, options);
      },
    });
  };
}

interface World {
  readonly place: Place;
  readonly clock: EagerClock;
}

async function world(...payloads: string[]): Promise<World> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock, wrap: withoutBatch });
  for (const payload of payloads) {
    await store.store('k', payload);
    clock.advance(SECOND);
  }
  await store.close();
  return { place, clock };
}

function versionOf({ body }: Sent): number {
  return splitRecord(body).header.version;
}

/** The first of two records that were sent. */
function refusedOf(sent: readonly Sent[]): Sent {
  const [first, second, ...others] = sent;
  if (first === undefined || second === undefined || others.length > 0) throw new Error('not two records were sent');
  return first;
}

/** Overwrites an object that the process has not seen: its first record says that nothing came before. */
async function overwriteUnseen(
  { place, clock }: World,
  payload: string,
): Promise<{ store: ObjectStore; sent: Sent[] }> {
  const sent: Sent[] = [];
  const store = await openAt(place, { clock, wrap: keeping(sent) });
  await store.store('k', payload);
  return { store, sent };
}

/** Loses its race to somebody whose version was numbered before. */
async function loseRace({ place, clock }: World): Promise<Sent[]> {
  const numbered = Promise.withResolvers<void>();
  const landing = Promise.withResolvers<void>();
  const arrive = async (): Promise<void> => {
    numbered.resolve();
    await landing.promise;
  };
  const first = await openAt(place, { clock, wrap: keeping([], arrive) });
  const { version } = await first.info('k');
  const stored = first.store('k', 'of the first', { ifVersion: version });
  await numbered.promise;
  clock.advance(SECOND);
  const sent: Sent[] = [];
  const second = await openAt(place, {
    clock,
    wrap: keeping(sent, async (count) => {
      if (count > 1) return;
      landing.resolve();
      await stored;
    }),
  });
  await second.setMetadata('k', { by: 'the second' });
  await second.checkpoint();
  return sent;
}

describe('a record that was refused, put in the place of the one that was not', () => {
  it('[V-02] has a smaller number', async () => {
    const { sent } = await overwriteUnseen(await world('one'), 'two');
    expect(versionOf(refusedOf(sent))).toBeLessThan(versionOf(sent[1] ?? refusedOf(sent)));
  });

  it('is found where it says that nothing came before', async () => {
    const all = await world('one', 'two');
    const { store, sent } = await overwriteUnseen(all, 'three');
    await store.checkpoint();
    const attacker = await attack(all.place);
    const { name, body } = refusedOf(sent);
    await attacker.put(name, body);
    for (const copy of await attacker.names(AREAS.history)) await attacker.remove(copy);
    expect((await store.verify()).findings).toMatchObject([{ kind: 'rolled-back', key: 'k' }]);
  });

  it('is found where it says that something else came before', async () => {
    const all = await world('before');
    const sent = await loseRace(all);
    const attacker = await attack(all.place);
    const { name, body } = refusedOf(sent);
    await attacker.put(name, body);
    const [newest = ''] = await attacker.names(AREAS.history);
    await attacker.remove(newest);
    const store = await openAt(all.place, all);
    expect((await store.verify()).findings).toMatchObject([{ kind: 'rolled-back', key: 'k' }]);
  });

  it('is found in the history, where it would cut off what came before', async () => {
    const all = await world('one', 'two');
    const { store, sent } = await overwriteUnseen(all, 'three');
    const { name, body } = refusedOf(sent);
    await store.store('k', 'four');
    const attacker = await attack(all.place);
    for (const copy of await attacker.names(AREAS.history)) await attacker.remove(copy);
    await attacker.put(historyName(name.slice(AREAS.objects.length), versionOf({ name, body })), body);
    expect((await store.verify()).findings[0]).toMatchObject({ kind: 'replaced', key: 'k' });
  });

  it('is an alarm to a consumer of the journal that knew the other one', async () => {
    const all = await world();
    const { store, engine } = await engineAt(all.place, all.clock);
    await store.store('k', 'one');
    const token = tokenOf(engine, 'k');
    const body = (await engine.backend.read(objectName(token)))?.body ?? Buffer.alloc(0);
    const { commitId, version } = splitRecord(body).header;
    async function* known() {
      yield { token, commitId, version: version + 1, deleted: false };
    }
    const found = await Array.fromAsync(differences(engine, known()));
    expect(found).toMatchObject([{ token, alarm: { type: 'rolled-back' } }]);
  });
});
