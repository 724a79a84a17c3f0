import { tracingChannel } from 'node:diagnostics_channel';
import { MemoryBackend } from '@securestore/backend-memory';
import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import {
  BACKEND_CHANNEL,
  type BackendTrace,
  composeLayers,
  createFaultInjector,
  createMeter,
  DURATION_BOUNDS,
  figuresSince,
  forwardTo,
  type MeteredCall,
  retryLayer,
} from '../../src/index.ts';
import { BODY, layeredMemory } from './memory.ts';

/** A clock on which each call takes as long as is said. */
function steps(...milliseconds: readonly number[]) {
  let time = 0;
  const left = milliseconds.flatMap((step) => [0, step]);
  return (): number => (time += left.shift() ?? 0);
}

/** One call, in one of the buckets. */
const bucket = (at: number): number[] => DURATION_BOUNDS.concat(0).map((_, index) => (index === at ? 1 : 0));

describe('createMeter', () => {
  it('counts calls by operation and outcome, with their bytes and times', async () => {
    const meter = createMeter(steps(2, 30, 0.5, 20_000));
    const backend = await layeredMemory(meter.layer);
    await backend.write('a', BODY);
    await expect(backend.write('a', BODY, { ifAbsent: true })).rejects.toMatchObject({ code: 'CONFLICT' });
    await backend.read('a');
    await backend.list('');
    const { calls, sentBytes, receivedBytes } = meter.figures;
    expect({ sentBytes, receivedBytes }).toEqual({ sentBytes: 8, receivedBytes: 4 });
    expect(calls).toEqual([
      { operation: 'write', count: 1, seconds: 0.002, buckets: bucket(1) },
      { operation: 'write', code: 'CONFLICT', count: 1, seconds: 0.03, buckets: bucket(3) },
      { operation: 'read', count: 1, seconds: 0.0005, buckets: bucket(0) },
      { operation: 'list', count: 1, seconds: 20, buckets: bucket(9) },
    ]);
  });

  it('adds the figures of another meter, each call once, and counts them as recent', async () => {
    const [one, other] = [createMeter(), createMeter()];
    const [here, there] = [await layeredMemory(one.layer), await layeredMemory(other.layer)];
    await here.write('a', BODY);
    let before = other.figures;
    for (let round = 0; round < 3; round++) {
      await there.write(`b${round}`, BODY);
      await expect(there.write(`b${round}`, BODY, { ifAbsent: true })).rejects.toMatchObject({ code: 'CONFLICT' });
      other.onRetry(new SecureStoreError('UNAVAILABLE', 'gone'));
      const now = other.figures;
      one.absorb(figuresSince(before, now));
      before = now;
    }
    // Nothing has happened since.
    expect(figuresSince(before, other.figures)).toEqual({
      calls: [],
      sentBytes: 0,
      receivedBytes: 0,
      retries: new Map(),
    });
    const { calls, sentBytes, retries } = one.figures;
    expect(
      calls.map(({ operation, code, count, buckets }) => [operation, code, count, buckets.reduce((a, b) => a + b)]),
    ).toEqual([
      ['write', undefined, 4, 4],
      ['write', 'CONFLICT', 3, 3],
    ]);
    expect(sentBytes).toBe(4 * BODY.length + 3 * BODY.length);
    expect(retries).toEqual(new Map([['UNAVAILABLE', 3]]));
    expect(one.recent(60_000)).toEqual({ calls: 7, failures: new Map(), retries: new Map([['UNAVAILABLE', 3]]) });
  });

  it('counts batches and deletions', async () => {
    const meter = createMeter();
    const backend = await layeredMemory(meter.layer);
    await backend.batch?.([
      { type: 'write', key: 'a', body: BODY },
      { type: 'delete', key: 'b' },
    ]);
    await backend.deleteMany?.(['a']);
    await backend.delete('a');
    expect(meter.figures.calls.map(({ operation }) => operation)).toEqual(['batch', 'deleteMany', 'delete']);
    expect(meter.figures.sentBytes).toBe(4);
  });

  it('tells failures of late, and not what only met the change of somebody else', async () => {
    let time = 0;
    const meter = createMeter(() => time);
    const injector = createFaultInjector();
    const backend = await layeredMemory(injector.layer, meter.layer);
    await backend.write('a', BODY);
    await expect(backend.write('a', BODY, { ifAbsent: true })).rejects.toMatchObject({ code: 'CONFLICT' });
    injector.plan(() => ({ type: 'fail' }));
    await expect(backend.read('a')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(meter.recent(1000)).toEqual({ calls: 3, failures: new Map([['UNAVAILABLE', 1]]), retries: new Map() });
    time = 5000;
    expect(meter.recent(1000)).toEqual({ calls: 0, failures: new Map(), retries: new Map() });
  });

  it('counts what is repeated beneath it', async () => {
    const meter = createMeter();
    const injector = createFaultInjector();
    injector.plan(({ index }) => (index < 2 ? { type: 'fail', error: throttled() } : undefined));
    const retries = retryLayer({ sleep: async () => undefined, onRetry: meter.onRetry });
    const backend = await layeredMemory(injector.layer, retries, meter.layer);
    await backend.write('a', BODY);
    expect(meter.figures.retries).toEqual(new Map([['THROTTLED', 2]]));
    expect(meter.recent(60_000)).toEqual({ calls: 1, failures: new Map(), retries: new Map([['THROTTLED', 2]]) });
  });

  it('tells listeners of each call, until they have heard enough', async () => {
    const meter = createMeter(steps(7));
    const backend = await layeredMemory(meter.layer);
    const heard: MeteredCall[] = [];
    const end = meter.onCall((call) => void heard.push(call));
    await backend.write('a', BODY);
    end();
    await backend.write('a', BODY);
    expect(heard).toEqual([{ backend: 'memory', operation: 'write', seconds: 0.007, sentBytes: 4, receivedBytes: 0 }]);
  });

  it('publishes each call once for whoever listens on the tracing channel', async () => {
    const meter = createMeter();
    const backend = await layeredMemory(meter.layer);
    const ended: unknown[] = [];
    const subscribers = {
      start: () => undefined,
      end: () => undefined,
      asyncStart: () => undefined,
      asyncEnd: (trace: object) => void ended.push((trace as BackendTrace).operation),
      error: () => undefined,
    };
    const channel = tracingChannel(BACKEND_CHANNEL);
    await backend.write('a', BODY);
    channel.subscribe(subscribers);
    await backend.read('a');
    channel.unsubscribe(subscribers);
    await backend.read('a');
    expect(ended).toEqual(['read']);
  });

  it('remembers a bounded number of calls', async () => {
    const meter = createMeter();
    const backend = await layeredMemory(meter.layer);
    for (let call = 0; call < 3000; call++) await backend.read('a');
    expect(meter.recent(3_600_000).calls).toBe(1024);
    expect(meter.figures.calls).toMatchObject([{ count: 3000 }]);
  });

  it('tells of what was repeated only for as long as it knows of the calls', async () => {
    let time = 0;
    const meter = createMeter(() => time);
    const backend = await layeredMemory(meter.layer);
    const second = async (calls: number): Promise<void> => {
      meter.onRetry(throttled());
      for (let call = 0; call < calls; call++) await backend.read('a');
      time += 1000;
    };
    // One of some hundred is repeated, however far back it is asked.
    for (let count = 0; count < 20; count++) await second(300);
    expect(meter.recent(300_000)).toMatchObject({ calls: 1024, retries: new Map([['THROTTLED', 4]]) });
    expect(meter.recent(1500)).toMatchObject({ calls: 300, retries: new Map([['THROTTLED', 1]]) });
  });

  it('has optional calls where the backend has them', () => {
    const bare = forwardTo(new MemoryBackend(), {});
    delete bare.batch;
    const { layer } = createMeter();
    expect('batch' in composeLayers(bare, [layer])).toBe(false);
    expect('deleteMany' in composeLayers(bare, [layer])).toBe(true);
  });
});

function throttled(): SecureStoreError {
  return new SecureStoreError('THROTTLED', 'slow down');
}
