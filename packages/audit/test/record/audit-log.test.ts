import { SecureStoreError } from '@securestore/core-format';
import { beforeAll, describe, expect, it } from 'vitest';
import { AuditLog } from '../../src/index.ts';
import type { AuditEvent, AuditMode } from '../../src/index.ts';
import { actionsOf, closeOf, endOf, fine, openLog, settle, testSink } from '../support/logs.ts';
import { audit, newAuditor, newStore, short } from '../support/world.ts';
import type { TestStore } from '../support/world.ts';

let store: TestStore;
beforeAll(async () => {
  store = await newStore(await newAuditor());
});

const read = (object: string): AuditEvent => ({ action: 'read', outcome: 'allowed', principal: 'alice', object });
const never = (): Promise<never> => new Promise(() => undefined);
const full = async (): Promise<never> => {
  throw new SecureStoreError('NO_SPACE', 'the disk is full');
};
const fail = (): never => {
  throw new Error('no');
};
const MODES: readonly AuditMode[] = ['batched', 'fail-closed'];

describe('an audit log', () => {
  it.each(MODES)('writes a header, every entry in its order, and an end (%s)', async (mode) => {
    const sink = testSink();
    const { log, clock } = await openLog(store, [sink], { mode });
    const records = Array.from({ length: 50 }, (_, index) => log.record(read(`a/${index}`)));
    await settle();
    await clock.pass(100);
    await Promise.all(records);
    await log.close();
    const report = await audit(store, sink.lines);
    expect(report.findings).toEqual([]);
    expect(report.notes).toEqual([]);
    expect(report.segments).toEqual([expect.objectContaining({ entries: 51, ended: true, end: log.end })]);
    expect(actionsOf(sink.lines)).toEqual([...Array.from({ length: 50 }, () => 'read'), 'audit.end']);
    expect(log.stats).toEqual([{ name: 'test', state: 'ok', written: 51, lost: 0, queued: 0 }]);
  });

  it('writes what is recorded in one turn as one batch', async () => {
    const sink = testSink();
    const { log } = await openLog(store, [sink], { mode: 'fail-closed' });
    await Promise.all(Array.from({ length: 100 }, (_, index) => log.record(read(`a/${index}`))));
    expect(sink.calls).toBe(1);
    await log.close();
  });

  it('takes no entry once it is closed, and can be closed twice', async () => {
    const sink = testSink();
    const { log } = await openLog(store, [sink]);
    await Promise.all([log.close(), log.close()]);
    expect(await endOf(log.record(read('a')))).toBe('UNAVAILABLE');
    expect(actionsOf(sink.lines)).toEqual(['audit.end']);
  });

  it('says how far every mandatory sink has it', async () => {
    const [first, second] = [testSink('first'), testSink('second', full)];
    const optional = { sink: testSink('optional', never).sink, mandatory: false };
    const { log, clock } = await openLog(store, [first, second, optional]);
    await log.record(read('a'));
    await clock.pass(20, 20);
    expect([log.written, log.end.count]).toEqual([undefined, 1]);
    second.behave = fine;
    await clock.pass(250);
    expect(log.written).toEqual(log.end);
    const { end } = log;
    await log.record(read('b'));
    expect(log.written).toEqual(end);
    expect(await closeOf({ log, clock })).toBe('done');
    expect([log.written, log.end.count]).toEqual([log.end, 3]);
  });

  it('that has lost entries is written as far as the first of them', async () => {
    const gate = Promise.withResolvers<void>();
    const sink = testSink('small', () => gate.promise);
    const { log, clock } = await openLog(store, [{ sink: sink.sink, queue: 2 }]);
    for (let index = 0; index < 4; index++) {
      await log.record(read(`a/${index}`));
      await clock.pass(20, 20);
    }
    gate.resolve();
    await clock.pass(100, 20);
    expect(await closeOf({ log, clock })).toBe('UNAVAILABLE');
    expect([log.written?.count, log.end.count]).toEqual([2, 6]);
    const heads = log.written === undefined ? [] : [log.written];
    expect(short(await audit(store, sink.lines, { heads }))).toEqual(['deleted 3-4']);
  });

  it('lets nobody else say that it ends', async () => {
    const sink = testSink();
    const { log } = await openLog(store, [sink]);
    await log.record({ action: 'audit.end', outcome: 'allowed' });
    await log.record({ action: 'audit.lost', outcome: 'allowed' });
    await log.close();
    expect(actionsOf(sink.lines)).toEqual(['[audit.end]', '[audit.lost]', 'audit.end']);
  });

  it('refuses options that are none', async () => {
    const { sink } = testSink();
    const open = (more: object): Promise<string> =>
      endOf(AuditLog.open({ ...store.basis, sinks: [{ sink }], ...more }));
    expect(await open({ sinks: [] })).toBe('INVALID_ARGUMENT');
    expect(await open({ mode: 'fail-closed', sinks: [{ sink, mandatory: false }] })).toBe('INVALID_ARGUMENT');
    expect(await open({ mode: 'never' })).toBe('INVALID_ARGUMENT');
    expect(await open({ auditor: new Uint8Array(32) })).toBe('INVALID_ARGUMENT');
    expect(await open({ clearKeys: ['a//b'] })).toBe('INVALID_ARGUMENT');
  });
});

describe('in the mode fail-closed', () => {
  it('an entry is acknowledged when every mandatory sink has it, and not before', async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const sinks = gates.map(({ promise }, index) => testSink(`s${index}`, () => promise));
    const optional = testSink('optional', never);
    const { log } = await openLog(store, [...sinks, { sink: optional.sink, mandatory: false }], {
      mode: 'fail-closed',
    });
    let done = false;
    const recorded = log.record(read('a')).then(() => (done = true));
    await settle();
    gates[0]?.resolve();
    await settle();
    expect(done).toBe(false);
    gates[1]?.resolve();
    await recorded;
    expect(sinks.map(({ lines }) => lines.length)).toEqual([2, 2]);
  });

  it('a sink that fails refuses the operation, says why, and is written without a hole afterwards', async () => {
    const sink = testSink('disk', full);
    const { log, alerts } = await openLog(store, [sink], { mode: 'fail-closed' });
    await expect(log.record(read('a'))).rejects.toMatchObject({
      code: 'NO_SPACE',
      message: 'audit sink disk: the disk is full',
    });
    await expect(log.record(read('b'))).rejects.toMatchObject({ code: 'NO_SPACE' });
    sink.behave = fine;
    // Somebody waits, so it is tried at once and not after a while.
    await log.record(read('c'));
    await log.close();
    expect((await audit(store, sink.lines)).findings).toEqual([]);
    expect(actionsOf(sink.lines)).toEqual(['read', 'read', 'read', 'audit.end']);
    expect(alerts.map(({ event }) => event)).toEqual(['failing', 'recovered']);
  });

  it('a sink that hangs refuses the operation in bounded time, and is never asked twice at once', async () => {
    const gate = Promise.withResolvers<void>();
    const sink = testSink('slow', () => gate.promise);
    const { log, clock, alerts } = await openLog(store, [{ sink: sink.sink, timeout: 1000 }], { mode: 'fail-closed' });
    const first = endOf(log.record(read('a')));
    await settle();
    await clock.pass(1000);
    expect(await first).toBe('TIMEOUT');
    // Now that it is known nobody waits for it any more.
    expect(await endOf(log.record(read('b')))).toBe('TIMEOUT');
    expect(log.stats).toMatchObject([{ state: 'hanging', code: 'TIMEOUT', queued: 2 }]);
    gate.resolve();
    await settle();
    expect(await endOf(log.record(read('c')))).toBe('done');
    await log.close();
    expect(sink.most).toBe(1);
    expect((await audit(store, sink.lines)).findings).toEqual([]);
    expect(actionsOf(sink.lines)).toEqual(['read', 'read', 'read', 'audit.end']);
    expect(alerts.map(({ event }) => event)).toEqual(['hanging', 'recovered']);
  });

  it('a full queue refuses the operation', async () => {
    const sink = testSink('stuck', never);
    const { log, clock, alerts } = await openLog(store, [{ sink: sink.sink, queue: 2, timeout: 10 }], {
      mode: 'fail-closed',
    });
    const ends = ['a', 'b', 'c'].map(async (name, index) => {
      for (let turn = 0; turn < index; turn++) await settle();
      return endOf(log.record(read(name)));
    });
    for (let turn = 0; turn < 5; turn++) await settle();
    await clock.pass(50);
    expect(await Promise.all(ends)).toEqual(['TIMEOUT', 'TIMEOUT', 'UNAVAILABLE']);
    expect(log.stats).toMatchObject([{ lost: 1, queued: 2 }]);
    expect(alerts.map(({ event }) => event).toSorted()).toEqual(['hanging', 'lost']);
  });
});

describe('in the mode batched', () => {
  it('nobody waits for a sink, and one that hangs doesn’t stall the others', async () => {
    const [stuck, well] = [testSink('stuck', never), testSink('well')];
    const { log, clock, alerts } = await openLog(store, [{ sink: stuck.sink, timeout: 100 }, well]);
    for (let index = 0; index < 10; index++) await log.record(read(`a/${index}`));
    await clock.pass(200, 20);
    expect(well.lines).toHaveLength(11);
    expect(log.stats).toMatchObject([{ state: 'hanging' }, { state: 'ok', written: 10 }]);
    expect(alerts).toMatchObject([{ name: 'stuck', event: 'hanging', code: 'TIMEOUT' }]);
    expect(await closeOf({ log, clock })).toBe('UNAVAILABLE');
    expect((await audit(store, well.lines)).findings).toEqual([]);
    expect(log.stats).toMatchObject([{ lost: 11, queued: 0 }, { written: 11 }]);
  });

  it('what finds no room is counted and told, and the log says so itself once it can', async () => {
    const gate = Promise.withResolvers<void>();
    const sink = testSink('small', () => gate.promise);
    const { log, clock, alerts } = await openLog(store, [{ sink: sink.sink, queue: 5 }]);
    for (let index = 0; index < 8; index++) {
      await log.record(read(`a/${index}`));
      await clock.pass(20, 20);
    }
    expect(log.stats).toMatchObject([{ lost: 3, queued: 5 }]);
    expect(alerts).toMatchObject([{ name: 'small', event: 'lost', lost: 1 }]);
    gate.resolve();
    await settle();
    await clock.pass(100, 20);
    await log.record(read('b'));
    await clock.pass(100, 20);
    expect(await closeOf({ log, clock })).toBe('UNAVAILABLE');
    const report = await audit(store, sink.lines);
    expect(short(report)).toEqual(['deleted 6-8']);
    expect(sink.lines.some((line) => line.includes('sink small did not get 3 entries, from 6 to 8'))).toBe(true);
    expect(alerts.at(-1)).toMatchObject({ event: 'recovered', lost: 3 });
  });

  it('of what is recorded at once as much is kept as finds room', async () => {
    const sink = testSink();
    const { log, clock } = await openLog(store, [{ sink: sink.sink, queue: 5 }]);
    for (let index = 0; index < 8; index++) await log.record(read(`a/${index}`));
    await clock.pass(100, 20);
    expect(log.stats).toMatchObject([{ written: 6, lost: 3, queued: 0 }]);
    expect(actionsOf(sink.lines)).toEqual([...Array.from({ length: 5 }, () => 'read'), 'audit.lost']);
  });

  it('a sink that fails is tried again, more and more rarely, and gets everything in its order', async () => {
    const sink = testSink('flaky', full);
    const { log, clock } = await openLog(store, [sink]);
    await log.record(read('a'));
    await clock.pass(20, 20);
    await clock.pass(10_000);
    // At 0, 250, 750, 1750, 3750 and 7750 ms.
    expect(sink.calls).toBe(6);
    await log.record(read('b'));
    sink.behave = fine;
    await clock.pass(8000);
    expect(actionsOf(sink.lines)).toEqual(['read', 'read']);
    await log.close();
    expect((await audit(store, sink.lines)).findings).toEqual([]);
  });

  it('many entries at once don’t wait for the clock', async () => {
    const sink = testSink();
    const { log } = await openLog(store, [sink]);
    for (let index = 0; index < 2500; index++) void log.record(read(`a/${index}`));
    await settle();
    expect(sink.lines).toHaveLength(2001);
    await log.close();
    expect((await audit(store, sink.lines)).segments).toMatchObject([{ entries: 2501, ended: true }]);
  });

  it('whoever is told may fail', async () => {
    const sink = testSink('disk', full);
    const { log, clock } = await openLog(store, [sink], { onAlert: fail });
    await log.record(read('a'));
    await clock.pass(100, 20);
    sink.behave = fine;
    await log.close();
    expect(actionsOf(sink.lines)).toEqual(['read', 'audit.end']);
  });
});
