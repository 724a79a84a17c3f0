import { setImmediate } from 'node:timers/promises';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import type { AuditLine, AuditLogOptions, Sink, SinkAlert, SinkOptions } from '../../src/index.ts';
import { AuditLog, functionSink } from '../../src/index.ts';
import { testRandom } from './world.ts';
import type { TestStore } from './world.ts';

/** A sink that does what a test says. */
export interface TestSink {
  readonly sink: Sink;
  /** Everything that was written. */
  readonly lines: string[];
  /** How many calls there were, and how many at once at most. */
  calls: number;
  most: number;
  /** What the next calls do before they write. */
  behave: (lines: readonly AuditLine[]) => Promise<void>;
}

export const fine = async (): Promise<void> => undefined;

export function testSink(name = 'test', behave: TestSink['behave'] = fine): TestSink {
  let running = 0;
  const sink = functionSink(name, async (given) => {
    test.calls++;
    test.most = Math.max(test.most, ++running);
    try {
      await test.behave(given);
      test.lines.push(...given.map(({ text }) => text));
    } finally {
      running--;
    }
  });
  const test: TestSink = { sink, lines: [], calls: 0, most: 0, behave };
  return test;
}

export interface OpenLog {
  readonly log: AuditLog;
  readonly clock: FakeClock;
  readonly alerts: SinkAlert[];
}

/** A log on a clock that stands still. */
export async function openLog(
  store: TestStore,
  sinks: readonly (SinkOptions | Sink | TestSink)[],
  options: Partial<AuditLogOptions> = {},
): Promise<OpenLog> {
  const clock = new FakeClock();
  const alerts: SinkAlert[] = [];
  const given = sinks.map((one): SinkOptions => {
    if ('behave' in one) return { sink: one.sink };
    return 'write' in one ? { sink: one } : one;
  });
  const random = testRandom('log');
  const onAlert = (alert: SinkAlert): void => void alerts.push(alert);
  const log = await AuditLog.open({ ...store.basis, sinks: given, clock, random, onAlert, ...options });
  return { log, clock, alerts };
}

/** Lets everything happen that is due. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await setImmediate();
}

/** The actions of the entries in lines. */
export function actionsOf(lines: readonly string[]): string[] {
  return lines.flatMap((line) => (JSON.parse(line) as { action?: string }).action ?? []);
}

/** How closing ends, with as much time as it takes. */
export async function closeOf({ log, clock }: Pick<OpenLog, 'log' | 'clock'>): Promise<string> {
  const end = endOf(log.close());
  await clock.pass(20_000);
  return end;
}

/** A promise's end, without an unhandled rejection: `done`, or the code of the error. */
export async function endOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
}
