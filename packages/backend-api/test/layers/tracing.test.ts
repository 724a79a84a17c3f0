import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { MemoryBackend } from '@securestore/backend-memory';
import { afterEach, describe, expect, it } from 'vitest';
import { BACKEND_CHANNEL, type BackendTrace, forwardTo, tracingLayer } from '../../src/index.ts';
import { BODY, layeredMemory } from './memory.ts';

const channel = tracingChannel(BACKEND_CHANNEL);
const events: [string, Partial<BackendTrace>][] = [];
const note =
  (name: string) =>
  (trace: object): void => {
    events.push([name, { ...trace }]);
  };
const subscribers = {
  start: note('start'),
  end: note('end'),
  asyncStart: note('asyncStart'),
  asyncEnd: note('asyncEnd'),
  error: note('error'),
};

afterEach(() => {
  channel.unsubscribe(subscribers);
  events.length = 0;
});

describe('tracingLayer', () => {
  it('publishes the figures of each call, and no bodies', async () => {
    let time = 0;
    const backend = await layeredMemory(tracingLayer(() => (time += 5)));
    channel.subscribe(subscribers);
    await backend.write('key', BODY, { ifAbsent: true });
    await backend.read('key');
    const common = { backend: 'memory', key: 'key', duration: 5 };
    expect(events.filter(([name]) => name === 'asyncEnd').map(([, trace]) => trace)).toEqual([
      { ...common, operation: 'write', sentBytes: 4, receivedBytes: 0 },
      { ...common, operation: 'read', sentBytes: 0, receivedBytes: 4 },
    ]);
    expect(events.map(([name]) => name).slice(0, 4)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
  });

  it('publishes the code of a failure', async () => {
    const backend = await layeredMemory(tracingLayer());
    await backend.write('key', BODY);
    channel.subscribe(subscribers);
    await expect(backend.write('key', BODY, { ifAbsent: true })).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(events.map(([name, { code }]) => [name, code])).toEqual([
      ['start', undefined],
      ['end', undefined],
      ['error', 'CONFLICT'],
      ['asyncStart', 'CONFLICT'],
      ['asyncEnd', 'CONFLICT'],
    ]);
  });

  it('counts the bytes of a batch', async () => {
    const backend = await layeredMemory(tracingLayer());
    channel.subscribe(subscribers);
    await backend.batch?.([
      { type: 'write', key: 'a', body: BODY },
      { type: 'delete', key: 'b' },
      { type: 'write', key: 'c', body: BODY },
    ]);
    expect(events.at(-1)?.[1]).toMatchObject({ operation: 'batch', sentBytes: 8 });
  });

  it('runs the call within the stores that a subscriber has bound', async () => {
    const span = new AsyncLocalStorage<object>();
    const seen: unknown[] = [];
    const spying = forwardTo(new MemoryBackend(), {
      read: async () => {
        seen.push(span.getStore());
        return undefined;
      },
    });
    const backend = tracingLayer()(spying);
    channel.start.bindStore(span);
    try {
      await backend.read('key');
    } finally {
      channel.start.unbindStore(span);
    }
    expect(seen).toEqual([expect.objectContaining({ operation: 'read', key: 'key' })]);
    expect(span.getStore()).toBeUndefined();
  });

  it('does nothing while nobody subscribes', async () => {
    const backend = await layeredMemory(tracingLayer(() => expect.unreachable()));
    await backend.write('key', BODY);
    expect(events).toEqual([]);
  });
});
