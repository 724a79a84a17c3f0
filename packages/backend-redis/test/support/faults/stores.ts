import assert from 'node:assert/strict';
import { composeLayers, intercept, retryLayer } from '@securestore/backend-api';
import type { Layer, StorageBackend } from '@securestore/backend-api';
import { SecureStoreError, compareVersions, openStore, rawKey } from 'securestore';
import type { SecureStore } from 'securestore';
import { isWhole, selfProving } from '../../../../backend-fs/test/support/bodies.ts';
import { type RandomBelow, pick, seededRandom } from '../../../../backend-testkit/src/support/random.ts';
import { settled } from './settled.ts';
import { type Way, blow, whileItBlows } from './way.ts';
import { sized } from '../../../../../tools/campaigns/src/size.ts';

const GARBAGE_ROUNDS = sized({ short: 1, full: 3, torture: 150 });
const WORKERS = 4;
/** How often the acknowledgement of each kind of change is lost. */
const LOSSES = sized({ short: 1, full: 3, torture: 100 });
/** In the middle of a change other answers are lost, too: this one, or one of those that follow. */
const ANSWERS = 4;
const CALL_LIMIT_MS = 3_000;
const MAX_TRIES = 20;
/** A key of the test's own: deriving one from a passphrase takes its time. */
const unlock: ReturnType<typeof rawKey> = rawKey(Buffer.alloc(32, 7));

/** Counts the conditional changes that the backend could not tell the outcome of. */
function countDoubts(): { readonly layer: Layer; readonly count: () => number } {
  let doubts = 0;
  const layer = intercept(() => async (call, run) => {
    try {
      return await run(call.signal);
    } catch (error) {
      const unknown = SecureStoreError.is(error) && error.outcome === 'unknown';
      if (unknown && call.effect === 'conditional') doubts += 1;
      throw error;
    }
  });
  return { layer, count: () => doubts };
}

async function storeOn(below: StorageBackend, layers: readonly Layer[] = []): Promise<SecureStore> {
  const backend = composeLayers(below, [...layers, retryLayer()]);
  return openStore('memory:', { backend, unlock, create: true, maintenance: false });
}

/** A store that is there already, also where an impatient backend takes several attempts to read of it. */
async function openedBefore(open: () => Promise<StorageBackend>): Promise<SecureStore> {
  for (let tries = 1; ; tries++) {
    try {
      return await storeOn(await open());
    } catch (error) {
      if (tries === MAX_TRIES || !SecureStoreError.is(error) || !error.retryable) throw error;
    }
  }
}

/** What one worker stored under its names: how often it began to, and which of those was acknowledged last. */
type Stored = Map<string, { begun: number; acknowledged: number }>;

function numberOf(name: string, data: Uint8Array): number {
  const [, stored, number] = /^(\S+) (\d+) /.exec(Buffer.from(data.subarray(32)).toString()) ?? [];
  assert.ok(isWhole(data) && stored === name, `${name} holds what was never stored there`);
  return Number(number);
}

async function storeAndRetrieve(
  store: SecureStore,
  below: RandomBelow,
  { stored, stop, names }: { stored: Stored; stop: AbortSignal; names: readonly string[] },
): Promise<void> {
  while (!stop.aborted) {
    const name = pick(below, names);
    const state = stored.get(name) ?? { begun: 0, acknowledged: 0 };
    stored.set(name, state);
    if (below(2) === 0) {
      const begun = (state.begun += 1);
      const data = selfProving(`${name} ${begun} `, 200 + below(20_000));
      const came = await settled(`store of ${name}`, store.store(name, data, { timeout: CALL_LIMIT_MS }));
      if ('result' in came) state.acknowledged = begun;
    } else {
      const came = await settled(`retrieve of ${name}`, store.retrieve(name, { timeout: CALL_LIMIT_MS }));
      if ('error' in came) continue;
      const number = numberOf(name, came.result.data);
      assert.ok(number <= state.begun, `${name} holds what was never stored there`);
    }
  }
}

/** Garbage in all that the server says: a store gives the right bytes, or an error of ours. */
export async function storeUnderGarbage(way: Way, seed: number): Promise<void> {
  const stored: Stored = new Map();
  const workers = Array.from({ length: WORKERS }, (_, index) => ['a', 'b'].map((name) => `w${index}/${name}`));
  {
    // Without the proxy: on a busy machine what an impatient backend does may fail, or be of unknown outcome.
    await using first = await storeOn(await way.open('direct'));
    // Something is there to be read, however little gets through.
    for (const name of workers.flat()) {
      await first.store(name, selfProving(`${name} 1 `, 5000));
      stored.set(name, { begun: 1, acknowledged: 1 });
    }
  }
  const store = await openedBefore(() => way.open('proxied'));
  try {
    await whileItBlows(blow(way, ['garbage', 'noise'], GARBAGE_ROUNDS), (stop) =>
      workers.map((names, index) => storeAndRetrieve(store, seededRandom(seed + 1 + index), { stored, stop, names })),
    );
  } finally {
    await store.close();
  }
  await using again = await storeOn(await way.open('direct'));
  for (const [name, { begun, acknowledged }] of stored) {
    const found = await again.retrieve(name).catch((error: unknown) => {
      if (!SecureStoreError.is(error, 'NOT_FOUND')) throw error;
    });
    const number = found === undefined ? 0 : numberOf(name, found.data);
    assert.ok(number >= acknowledged && number <= begun, `${name} holds ${number}, not ${acknowledged} to ${begun}`);
  }
  assert.ok((await again.verify()).ok, 'the store is damaged');
}

async function conflictOf(call: Promise<unknown>): Promise<string | undefined> {
  const came = await settled('a change that must be refused', call);
  assert.ok('error' in came && came.error.code === 'CONFLICT', 'it was not refused');
  return came.error.currentVersion;
}

/** The acknowledgement of a conditional change is lost, and the store finds out that it took place, once. */
export async function loseAcknowledgements(way: Way): Promise<void> {
  const doubts = countDoubts();
  // A connection that ends says at once that an answer is lost; a busy server may take long for those that come.
  const store = await storeOn(await way.open('proxied', 'patient'), [doubts.layer]);
  try {
    for (let round = 0; round < LOSSES * ANSWERS; round++) {
      const name = `lost/${round}`;
      way.proxy.loseAnswer(round % ANSWERS);
      const { version: first } = await store.store(name, 'first', { ifAbsent: true });
      assert.equal(await conflictOf(store.store(name, 'no', { ifAbsent: true })), first);
      way.proxy.loseAnswer(round % ANSWERS);
      const { version: second } = await store.store(name, 'second', { ifVersion: first });
      way.proxy.set();
      assert.ok(compareVersions(first, second) < 0, 'the second version is no later one');
      assert.equal(await conflictOf(store.store(name, 'no', { ifVersion: first })), second);
      const history = await store.history(name);
      assert.deepEqual(
        history.map(({ version }) => version),
        [second, first],
      );
      assert.equal((await store.retrieve(name)).text(), 'second');
      assert.equal((await store.retrieve(name, { version: first })).text(), 'first');
    }
    assert.ok(doubts.count() >= LOSSES, `only ${doubts.count()} acknowledgements of conditional changes were lost`);
  } finally {
    await store.close();
  }
}
