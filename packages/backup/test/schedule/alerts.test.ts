import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { Alert, AlertReport, AlertSink, WatchFacts } from '../../src/schedule/alerts/index.ts';
import { Alerts } from '../../src/schedule/alerts/index.ts';
import { Process, SharedStorage, World } from '../support/processes.ts';

const SECOND = 1000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 1);

class Scene {
  readonly world = new World(START);
  readonly storage: SharedStorage;
  readonly told: string[] = [];
  readonly alerts: Alert[] = [];
  writes = 0;

  constructor(tellsTime = true) {
    this.storage = new SharedStorage(this.world, { tellsTime });
    this.storage.onWrite = () => {
      this.writes += 1;
    };
  }

  process(): Process {
    return new Process(this.world, this.storage);
  }

  sink(name: string, send: (alert: Alert, signal: AbortSignal) => Promise<void> = async () => undefined): AlertSink {
    return {
      name,
      send: async (alert, signal) => {
        await send(alert, signal);
        this.told.push(`${name} ${alert.event} ${alert.id}`);
        this.alerts.push(alert);
      },
    };
  }

  watcher(process: Process, sinks: readonly AlertSink[] = [this.sink('a')]): Alerts {
    return new Alerts({ storage: process.storage, id: 'alerts', clock: process.clock, sinks });
  }

  /** What is known now: there is a good backup or not, shipping lags or not. */
  facts(fine: boolean, lag = 0): WatchFacts {
    return { now: this.world.time, lag, ...(fine && { lastGood: this.world.time }) };
  }

  async pass(milliseconds: number): Promise<void> {
    await this.world.until(this.world.time + milliseconds);
  }

  async check(watcher: Alerts, facts: WatchFacts, within = 2 * MINUTE): Promise<AlertReport> {
    let report: AlertReport | undefined;
    void watcher.check(facts).then((found) => {
      report = found;
      return found;
    });
    await this.pass(within);
    if (report === undefined) throw new Error('not done yet');
    return report;
  }
}

/** Never answers, but hears when it is to stop. */
function hanging(_alert: Alert, signal: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

describe('an alert', () => {
  it('comes once when a condition begins, and once when it ends', async () => {
    const scene = new Scene();
    const watcher = scene.watcher(scene.process());
    for (const fine of [true, false, false, false, true, true, false]) await scene.check(watcher, scene.facts(fine));
    expect(scene.told).toEqual(['a begin no-backup', 'a end no-backup', 'a begin no-backup']);
    const [begin, end] = scene.alerts;
    expect(begin).toMatchObject({ severity: 'critical', message: 'no good backup exists' });
    expect([begin?.advice, end?.advice]).toEqual([
      'make a backup now with "securestore backup URL", and see why no schedule has made one',
      'nothing is to be done any more',
    ]);
    expect(end).toMatchObject({ severity: 'critical', message: 'ended: no good backup exists' });
    expect(end?.since).toBe(begin?.since);
    expect(end?.at).toBeGreaterThan(begin?.at ?? 0);
    expect(end?.facts.lastGood).toBe(end?.facts.now);
  });

  it('is for each condition on its own, the worst first', async () => {
    const scene = new Scene();
    const watcher = scene.watcher(scene.process());
    const unverified = { unverifiedSince: START - 100 * 24 * HOUR };
    const report = await scene.check(watcher, { ...scene.facts(true), ...unverified });
    expect(report.conditions).toMatchObject([{ id: 'unverified', severity: 'warning' }]);
    await scene.check(watcher, { ...scene.facts(false, HOUR), ...unverified });
    expect(scene.told).toEqual(['a begin unverified', 'a begin no-backup', 'a begin lag']);
  });

  it('is not repeated by other processes, nor after a restart', async () => {
    const scene = new Scene();
    await scene.check(scene.watcher(scene.process()), scene.facts(false));
    await scene.check(scene.watcher(scene.process()), scene.facts(false));
    await scene.check(scene.watcher(scene.process()), scene.facts(true));
    await scene.check(scene.watcher(scene.process()), scene.facts(true));
    expect(scene.told).toEqual(['a begin no-backup', 'a end no-backup']);
  });

  it('is told by one of several processes that look at the same time', async () => {
    const scene = new Scene();
    const slow = scene.sink('a', () => scene.process().clock.sleep(5 * SECOND));
    const watchers = [1, 2, 3].map(() => scene.watcher(scene.process(), [slow]));
    await Promise.all([...watchers.map((watcher) => watcher.check(scene.facts(false))), scene.pass(MINUTE)]);
    expect(scene.told).toEqual(['a begin no-backup']);
  });

  it.each([true, false])(
    'is told by another process where the first one dies; the storage tells its time: %s',
    async (tellsTime) => {
      const scene = new Scene(tellsTime);
      const first = scene.process();
      void scene.watcher(first, [scene.sink('a', hanging)]).check(scene.facts(false));
      await scene.pass(SECOND);
      first.kill();
      const second = scene.watcher(scene.process());
      await scene.check(second, scene.facts(false), 30 * SECOND);
      expect(scene.told).toEqual([]);
      await scene.check(second, scene.facts(false), 40 * SECOND);
      await scene.check(second, scene.facts(false));
      expect(scene.told).toEqual(['a begin no-backup']);
    },
  );

  it('costs nothing where nothing changes', async () => {
    const scene = new Scene();
    const watcher = scene.watcher(scene.process());
    await scene.check(watcher, scene.facts(true));
    expect(scene.writes).toBe(0);
    await scene.check(watcher, scene.facts(false));
    const { writes } = scene;
    await scene.check(watcher, scene.facts(false));
    expect(scene.writes).toBe(writes);
  });

  it('survives writes of which nobody knows whether they took place', async () => {
    const scene = new Scene();
    const process = scene.process();
    let calls = 0;
    process.fault = (call) => (call === 'write' && ++calls % 2 === 1 ? 'unknown' : undefined);
    const watcher = scene.watcher(process);
    for (const fine of [false, false, true, true, false, true]) await scene.check(watcher, scene.facts(fine));
    expect(scene.told).toEqual(['a begin', 'a end', 'a begin', 'a end'].map((text) => `${text} no-backup`));
  });

  it('comes again where the state was damaged', async () => {
    const scene = new Scene();
    scene.storage.write('alerts', Buffer.from('{"version":1,"known":[{}]}'), { ifAbsent: true });
    await scene.check(scene.watcher(scene.process()), scene.facts(false));
    expect(scene.told).toEqual(['a begin no-backup']);
  });
});

describe('a sink that fails', () => {
  const away = new SecureStoreError('UNAVAILABLE', 'it is away');

  it('is tried again at once, and at the next check; others are told meanwhile, and once', async () => {
    const scene = new Scene();
    let tries = 0;
    const failing = scene.sink('b', async () => {
      tries += 1;
      if (tries < 5) throw away;
    });
    const watcher = scene.watcher(scene.process(), [scene.sink('a'), failing]);
    const report = await scene.check(watcher, scene.facts(false));
    expect(report).toMatchObject({ told: [{ sink: 'a' }], failures: [{ sink: 'b', error: { code: 'UNAVAILABLE' } }] });
    expect(tries).toBe(3);
    expect((await scene.check(watcher, scene.facts(false))).failures).toEqual([]);
    expect(scene.told).toEqual(['a begin no-backup', 'b begin no-backup']);
  });

  it('is not told of the end of what it never heard of', async () => {
    const scene = new Scene();
    let down = true;
    const failing = scene.sink('b', async () => {
      if (down) throw away;
    });
    const watcher = scene.watcher(scene.process(), [failing]);
    await scene.check(watcher, scene.facts(false));
    down = false;
    await scene.check(watcher, scene.facts(true));
    expect(scene.told).toEqual([]);
  });

  it('is told of the end later, where it was away by then', async () => {
    const scene = new Scene();
    let down = false;
    const failing = scene.sink('b', async () => {
      if (down) throw away;
    });
    const watcher = scene.watcher(scene.process(), [failing]);
    await scene.check(watcher, scene.facts(false));
    down = true;
    await scene.check(watcher, scene.facts(true));
    down = false;
    await scene.check(watcher, scene.facts(true));
    expect(scene.told).toEqual(['b begin no-backup', 'b end no-backup']);
  });

  it('for good is not tried again at once', async () => {
    const scene = new Scene();
    let tries = 0;
    const failing = scene.sink('b', async () => {
      tries += 1;
      throw new SecureStoreError('ACCESS_DENIED', 'it refuses');
    });
    await scene.check(scene.watcher(scene.process(), [failing]), scene.facts(false));
    expect(tries).toBe(1);
  });

  it('by throwing whatever it likes never throws into the caller, nor tells its secrets', async () => {
    const scene = new Scene();
    const failing = scene.sink('b', async () => {
      throw new Error('https://example.org/secret-token');
    });
    const report = await scene.check(scene.watcher(scene.process(), [failing]), scene.facts(false));
    expect(report.failures).toMatchObject([{ sink: 'b', error: { code: 'INTERNAL' } }]);
    expect(report.failures[0]?.error.message).not.toContain('secret-token');
  });

  it('by hanging keeps no other from being told, and ends before its claim does', async () => {
    const scene = new Scene();
    const watcher = scene.watcher(scene.process(), [scene.sink('b', hanging), scene.sink('a')]);
    const report = await scene.check(watcher, scene.facts(false, HOUR), 50 * SECOND);
    expect(report.failures).toMatchObject([{ sink: 'b', error: { code: 'TIMEOUT' } }]);
    expect(scene.told).toEqual(['a begin no-backup', 'a begin lag']);
  });
});

describe('the sinks', () => {
  it('are told of what goes on where they are new, and no more where they are gone', async () => {
    const scene = new Scene();
    await scene.check(scene.watcher(scene.process(), [scene.sink('a')]), scene.facts(false));
    await scene.check(scene.watcher(scene.process(), [scene.sink('b')]), scene.facts(false));
    await scene.check(scene.watcher(scene.process(), [scene.sink('b')]), scene.facts(true));
    expect(scene.told).toEqual(['a begin no-backup', 'b begin no-backup', 'b end no-backup']);
  });

  it('have different names', () => {
    const scene = new Scene();
    expect(() => scene.watcher(scene.process(), [scene.sink('a'), scene.sink('a')])).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});

describe('a storage that is away', () => {
  it('never throws into the caller, who still hears of the conditions', async () => {
    const scene = new Scene();
    const process = scene.process();
    process.fault = () => 'unavailable';
    const report = await scene.check(scene.watcher(process), scene.facts(false));
    expect(report).toMatchObject({ conditions: [{ id: 'no-backup' }], failures: [{ error: { code: 'UNAVAILABLE' } }] });
  });
});
