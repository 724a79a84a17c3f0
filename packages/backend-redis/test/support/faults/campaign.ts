import assert from 'node:assert/strict';
import { type StorageBackend, timeoutLayer } from '@securestore/backend-api';
import type { Fault } from '../../../../../tools/services/src/proxy/proxy-link.ts';
import { seededRandom } from '../../../../backend-testkit/src/support/random.ts';
import { type Kind, checkFailure, settled } from './settled.ts';
import { type Way, blow, recovered, whileItBlows } from './way.ts';
import { COUNTER, type Story, checkStory, work } from './worker.ts';
import { sized, TORTURE } from '../../../../../tools/campaigns/src/size.ts';

const READING: Kind = { mutates: false, conditional: false, signal: undefined };
const WORKERS = 6;
/** How often each fault comes. */
const ROUNDS = sized({ short: 1, full: 2, torture: 60 });
const MAX_STORMS = 20;
const LASTING: readonly Fault[] = ['away', 'cut', 'half-close', 'delay', 'slow', 'hold'];
/** The last one is over after one answer, and so comes more often. */
const FAULTS: readonly Fault[] = [...LASTING, 'lose-answer', 'lose-answer', 'lose-answer', 'lose-answer'];

/** Everything that a backend does, by several workers at once on one handle. */
export async function callUnderFaults(way: Way, seed: number): Promise<void> {
  const [backend, direct] = [await way.open('proxied'), await way.open('direct')];
  await direct.write(COUNTER, Buffer.from('0'));
  const story: Story = {
    keys: [],
    batches: [],
    counts: { acknowledged: 0, unknown: 0, failed: 0, read: 0 },
    counter: { acknowledged: 0, unknown: 0 },
  };
  const { counts } = story;
  const isEnough = (): boolean => counts.acknowledged > 0 && counts.unknown > 0 && counts.read > 0;
  // On a busy machine hardly anything gets through in the time of one storm.
  for (let storm = 0; storm === 0 || (!isEnough() && storm < MAX_STORMS); storm++) {
    await whileItBlows(blow(way, FAULTS, ROUNDS), (stop) =>
      Array.from({ length: WORKERS }, async (_, index) => {
        const below = seededRandom(seed + 1 + index + storm * WORKERS);
        return work({ backend, below, prefix: `w${storm}-${index}`, story, stop });
      }),
    );
  }
  await checkStory(direct, story);
  assert.ok(isEnough(), `hardly anything happened: ${JSON.stringify(counts)}`);
  await checkGivesUp(way, backend, direct);
  await recovered(backend);
  await checkNothingSent(way, backend, direct);
  if (TORTURE) console.log(`${way.provider.name}: ${JSON.stringify({ ...story.counts, counter: story.counter })}`);
}

/** Where nothing comes back, or next to nothing, every call gives up by itself, for as long as that may go on. */
async function checkGivesUp({ proxy }: Way, backend: StorageBackend, direct: StorageBackend): Promise<void> {
  const large = Buffer.alloc(2 ** 20);
  await direct.write('large', large);
  for (const fault of ['hold', 'away', 'slow'] as const) {
    // A backend may wait for as long as something comes; so there is a layer.
    const patient = fault === 'slow' ? timeoutLayer({ milliseconds: 800 })(backend) : backend;
    await recovered(backend);
    proxy.set(fault);
    const readings: Promise<unknown>[] = [patient.read('large'), patient.list('large')];
    const [written, ...read] = await Promise.all(
      [patient.write(fault, large), ...readings].map(async (made) => settled(`a call with fault ${fault}`, made)),
    );
    for (const came of read) if ('error' in came) checkFailure(fault, came.error, READING);
    const error = written !== undefined && 'error' in written ? written.error : undefined;
    if (error !== undefined) checkFailure(fault, error, { ...READING, mutates: true });
    if (fault === 'hold')
      assert.ok(error !== undefined && read.every((came) => 'error' in came), 'there was an answer');
    proxy.set();
    // One that is unknown may still take place.
    if (error?.outcome !== 'unknown') assert.equal((await direct.read(fault)) === undefined, error !== undefined);
  }
}

/** Where there is no way to the server, nothing is sent, and a change that fails is known not to have taken place. */
async function checkNothingSent({ proxy }: Way, backend: StorageBackend, direct: StorageBackend): Promise<void> {
  const there = Buffer.from('as before');
  const { etag } = await direct.write('there', there);
  await proxy.close();
  // By then the handle knows of its connections that they are gone.
  const looked = await settled('read without a way', backend.read('there'));
  assert.ok('error' in looked, 'something was read from nowhere');
  const body = Buffer.from('x');
  const calls: Promise<unknown>[] = [
    backend.write('absent', body, { ifAbsent: true }),
    backend.write('there', body),
    backend.write('there', body, { ifMatch: etag }),
    backend.delete('there'),
  ];
  for (const call of calls.map(async (made) => settled('change without a way', made))) {
    const came = await call;
    assert.ok('error' in came, 'something was changed nowhere');
    checkFailure('change without a way', came.error, READING);
  }
  assert.equal(await direct.read('absent'), undefined);
  assert.deepEqual(Buffer.from((await direct.read('there'))?.body ?? []), there);
}
