import { Writable } from 'node:stream';
import { SecureStoreError } from '@securestore/core-format';
import { beforeAll, describe, expect, it } from 'vitest';
import { objectSink, streamSink } from '../../src/index.ts';
import type { AuditEvent } from '../../src/index.ts';
import { closeOf, endOf, openLog, settle, testSink } from '../support/logs.ts';
import { audit, newAuditor, newStore, short } from '../support/world.ts';
import type { TestStore } from '../support/world.ts';

let store: TestStore;
beforeAll(async () => {
  store = await newStore(await newAuditor());
});

const tips = (): Promise<never> => Promise.reject(new Error('no'));
const read = (object: string): AuditEvent => ({ action: 'read', outcome: 'allowed', object });

describe('a sink', () => {
  it('of a stream writes lines, waits for the stream, and never ends it', async () => {
    const chunks: string[] = [];
    const held: (() => void)[] = [];
    const stream = new Writable({
      decodeStrings: false,
      write: (chunk: string, _, callback) => {
        chunks.push(chunk);
        held.push(callback);
      },
    });
    const { log } = await openLog(store, [streamSink('stdout', stream)], { mode: 'fail-closed' });
    let done = false;
    const recorded = log.record(read('a')).then(() => (done = true));
    await settle();
    expect([chunks.length, done]).toEqual([1, false]);
    held.pop()?.();
    await recorded;
    const closed = log.close();
    await settle();
    held.pop()?.();
    await closed;
    expect(stream.writable).toBe(true);
    const lines = chunks.join('').split('\n');
    expect(lines.pop()).toBe('');
    expect((await audit(store, lines)).segments).toMatchObject([{ entries: 2, ended: true }]);
  });

  it('of a stream that breaks fails, and the process goes on', async () => {
    const stream = new Writable({ write: (_, __, callback) => callback(new Error('EPIPE')) });
    const { log, clock } = await openLog(store, [streamSink('stdout', stream)], { mode: 'fail-closed' });
    expect(await endOf(log.record(read('a')))).toBe('UNAVAILABLE');
    expect(await endOf(log.record(read('b')))).toBe('UNAVAILABLE');
    expect(await closeOf({ log, clock })).toBe('UNAVAILABLE');
  });

  it('of objects stores batches under names that sort, the same body under a name each time', async () => {
    const objects = new Map<string, Buffer>();
    let failures = 1;
    const put = async (name: string, body: Buffer): Promise<void> => {
      const before = objects.get(name);
      if (before !== undefined) expect(body).toEqual(before);
      objects.set(name, body);
      if (failures-- > 0) throw new SecureStoreError('TIMEOUT', 'no answer', { outcome: 'unknown' });
    };
    const { log, clock } = await openLog(store, [objectSink('store', put)]);
    for (let index = 0; index < 5; index++) {
      await log.record(read(`a/${index}`));
      await clock.pass(300, 20);
    }
    await log.close();
    const names = [...objects.keys()];
    expect(names).toEqual(names.toSorted());
    expect(names[0]).toMatch(/^[0-9a-v]{26}\/00000000000$/);
    const lines = Buffer.concat([...objects.values()])
      .toString()
      .trimEnd()
      .split('\n');
    const report = await audit(store, lines);
    expect([report.ok, report.segments]).toMatchObject([true, [{ entries: 6, ended: true }]]);
  });

  it('that finds where earlier segments end has them named', async () => {
    const first = testSink();
    const before = await openLog(store, [first]);
    await before.log.close();
    const second = testSink();
    const found = async (): Promise<(typeof before.log.end)[]> => [before.log.end];
    const { log } = await openLog(store, [{ sink: { ...second.sink, tips: found } }], { random: undefined });
    await log.close();
    expect((await audit(store, [...first.lines, ...second.lines])).ok).toBe(true);
    expect(short(await audit(store, second.lines))).toEqual(['missing']);
    expect(short(await audit(store, [first.lines[0] ?? '', ...second.lines]))).toEqual(['cut 1']);
  });

  it('that can’t say where earlier segments end is not waited for', async () => {
    const { sink } = testSink();
    const opening = openLog(store, [{ sink: { ...sink, tips } }]);
    expect((await opening).log.stats).toHaveLength(1);
  });
});
