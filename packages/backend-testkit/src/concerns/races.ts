import assert from 'node:assert/strict';
import type { StorageBackend } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { etagOf, mustRead, race, rejection, textOf, utf8 } from '../support/checks.ts';
import type { Concern } from '../support/types.ts';

const RACERS = 8;

/** Runs one call per racer, alternating between two handles, and returns who won; the rest must be `CONFLICT`. */
async function onlyWinner(
  handles: readonly [StorageBackend, StorageBackend],
  call: (backend: StorageBackend, racer: number) => Promise<unknown>,
): Promise<number> {
  const outcomes = await race(
    Array.from({ length: RACERS }, (_, racer) => async () => call(handles[racer % 2 === 0 ? 0 : 1], racer)),
  );
  const winners = outcomes.flatMap((outcome, racer) => (outcome.status === 'fulfilled' ? [racer] : []));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') await rejection(Promise.reject(outcome.reason), 'CONFLICT');
  }
  const [winner] = winners;
  if (winner === undefined) assert.fail(`none of ${RACERS} racers won`);
  assert.equal(winners.length, 1, `${winners.length} of ${RACERS} racers won`);
  return winner;
}

async function increment(backend: StorageBackend, key: string, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const read = await mustRead(backend, key);
    const count = Number(new TextDecoder().decode(read.body));
    try {
      await backend.write(key, utf8(String(count + 1)), { ifMatch: read.etag ?? '' });
      done += 1;
    } catch (error) {
      if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
    }
  }
}

/** Of N racers on one condition exactly one wins, whichever handle they come through. */
export const races: Concern = {
  name: 'races',
  tests: [
    {
      name: `of ${RACERS} ifAbsent writes through two handles one wins, and its body is stored`,
      needs: 'ifAbsent',
      run: async ({ backend, open }) => {
        const other = await open();
        for (let round = 0; round < 5; round += 1) {
          const key = `race/${round}`;
          const winner = await onlyWinner([backend, other], async (handle, racer) =>
            handle.write(key, utf8(`racer ${racer}`), { ifAbsent: true }),
          );
          assert.equal(await textOf(backend, key), `racer ${winner}`);
        }
      },
    },
    {
      name: `of ${RACERS} ifMatch writes through two handles one wins, and its body is stored`,
      needs: 'ifMatch',
      run: async ({ backend, open }) => {
        const other = await open();
        await backend.write('race', utf8('start'));
        for (let round = 0; round < 5; round += 1) {
          const ifMatch = await etagOf(other, 'race');
          const winner = await onlyWinner([backend, other], async (handle, racer) =>
            handle.write('race', utf8(`round ${round} racer ${racer}`), { ifMatch }),
          );
          assert.equal(await textOf(other, 'race'), `round ${round} racer ${winner}`);
        }
      },
    },
    {
      name: 'no increment of a counter is lost between two handles',
      needs: 'ifMatch',
      run: async ({ backend, open }) => {
        const other = await open();
        await backend.write('counter', utf8('0'));
        await Promise.all([backend, other, backend].map(async (handle) => increment(handle, 'counter', 10)));
        assert.equal(await textOf(backend, 'counter'), '30');
      },
    },
    {
      name: `of ${RACERS} conditional deletes one wins`,
      needs: 'conditionalDelete',
      run: async ({ backend, open }) => {
        const other = await open();
        const { etag } = await backend.write('race', utf8('start'));
        await onlyWinner([backend, other], async (handle) => handle.delete('race', { ifMatch: etag }));
        assert.equal(await other.read('race'), undefined);
      },
    },
    {
      name: `of ${RACERS} batches on one condition one wins, with all that it holds`,
      needs: 'atomicBatch',
      run: async ({ backend, open }) => {
        const other = await open();
        const winner = await onlyWinner([backend, other], async (handle, racer) =>
          handle.batch?.([
            { type: 'write', key: 'beside', body: utf8(`racer ${racer}`) },
            { type: 'write', key: 'race', body: utf8(`racer ${racer}`), ifAbsent: true },
          ]),
        );
        assert.equal(await textOf(backend, 'race'), `racer ${winner}`);
        assert.equal(await textOf(backend, 'beside'), `racer ${winner}`);
      },
    },
  ],
};
