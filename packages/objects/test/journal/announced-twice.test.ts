import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { AREAS, ID_LENGTH } from '@securestore/core-format';
import { expect, it } from 'vitest';
import { HINT_LAPSES_AFTER } from '../../src/engine/journal-limits.ts';
import { openConsumer } from '../../src/journal/open-consumer.ts';
import type { Process } from '../support/journals.ts';
import { passing, worldOf, writersAt } from '../support/journals.ts';
import { tokenOf } from '../support/scenes.ts';

/** Has the next mutation of a process be this commit. */
function fixCommit({ engine }: Process, commitId: Buffer): void {
  const { random } = engine;
  let given = false;
  Object.assign(engine, {
    random: (length: number) => {
      if (given || length !== ID_LENGTH) return random(length);
      given = true;
      return commitId;
    },
  });
}

it.each(['before', 'after'])(
  'a commit that a writer announced again when it woke up counts from then, whatever stream is read %s the other',
  async (order) => {
    const world = await worldOf();
    const sent = Promise.withResolvers<void>();
    const landing = Promise.withResolvers<void>();
    let slow = false;
    const wrap = (inner: StorageBackend): StorageBackend =>
      forwardTo(inner, {
        async write(name, body, options) {
          if (slow && name.startsWith(AREAS.objects)) {
            sent.resolve();
            await landing.promise;
          }
          return inner.write(name, body, options);
        },
      });
    const [one, two] = [await world.start({ wrap }), await world.start({ wrap })];
    const consumer = await openConsumer(one.engine, 'patient');
    await passing(
      world.clock,
      consumer.pass(() => undefined),
    );
    await one.store.store('other', '1');
    const [idOfOne = ''] = await writersAt(one.engine);
    await two.store.store('other', '2');
    await consumer.poll();
    await consumer.commit();
    // Streams are read in the order of their writers.
    const [first = ''] = await writersAt(one.engine);
    const [early, late] = (first === idOfOne) === (order === 'before') ? [one, two] : [two, one];

    const commitId = Buffer.alloc(ID_LENGTH, 7);
    const token = tokenOf(late.engine, 'k');
    await early.engine.journal.announce(token, commitId, undefined);
    world.clock.advance(HINT_LAPSES_AFTER + 1);
    fixCommit(late, commitId);
    slow = true;
    const storing = late.store.store('k', 'x');
    await sent.promise;
    await consumer.poll();
    await consumer.commit();
    landing.resolve();
    await storing;
    const { changes } = await consumer.poll();
    expect(changes.map(({ header }) => header.commitId)).toEqual([commitId]);
  },
);
