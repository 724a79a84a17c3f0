import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'vitest';
import { seededRandom } from '../../../../backend-testkit/src/support/random.ts';
import { callUnderFaults } from './campaign.ts';
import { answerWithNoise } from './noise.ts';
import { loseAcknowledgements, storeUnderGarbage } from './stores.ts';
import { type Provider, type Way, wayTo } from './way.ts';

/** Runs a campaign with a seed that a failure names, and watches for what nobody waits for. */
async function seeded(provider: Provider, run: (way: Way, seed: number) => Promise<void>): Promise<void> {
  const seed = Number(process.env['SECURESTORE_SEED'] ?? randomInt(2 ** 31));
  const stray: unknown[] = [];
  const listener = (error: unknown): void => void stray.push(error);
  process.on('unhandledRejection', listener).on('uncaughtExceptionMonitor', listener);
  try {
    await run(await wayTo(provider, seededRandom(seed)), seed);
    // What was rejected by now has been reported by then.
    await sleep(0);
    assert.deepEqual(stray, [], 'something failed that nobody waited for');
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    // The moments at which things meet are not in the seed: it repeats what was chosen, not always what happened.
    throw new Error(`${problem}\nReplay it with SECURESTORE_SEED=${seed}`, { cause: error });
  } finally {
    process.off('unhandledRejection', listener).off('uncaughtExceptionMonitor', listener);
  }
}

/** The tests of one provider behind a proxy on which things go wrong. */
export function describeUnderFaults(provider: Provider): void {
  const { name, skip, garbled } = provider;
  const elsewhere = { ...provider, ...garbled };
  const reason = skip === undefined ? '' : ` (skipped: ${skip})`;
  describe.skipIf(skip !== undefined)(`${name} behind a faulty network${reason}`, () => {
    test('loses nothing, gives no wrong bytes, does not hang, and says of its failures what is right', async () =>
      seeded(provider, callUnderFaults));
    test('takes noise for no answer', async (context) => {
      if (elsewhere.skip !== undefined) context.skip(elsewhere.skip);
      await seeded(elsewhere, answerWithNoise);
    });
    test('carries a store that takes garbage for no object', async (context) => {
      if (elsewhere.skip !== undefined) context.skip(elsewhere.skip);
      await seeded(elsewhere, storeUnderGarbage);
    });
    test('carries a store that finds out what became of a conditional write', async () =>
      seeded(provider, loseAcknowledgements));
  });
}
