import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { Jobs } from '../src/index.ts';
import { counting } from './support/kinds.ts';
import { outcomeOf } from './support/outcome.ts';
import type { Fault } from './support/storage.ts';
import { createWorld } from './support/world.ts';

const FAULTS: readonly Fault[] = [
  'unavailable',
  'conflict',
  'denied',
  'done unknown',
  'undone unknown',
  'done stalled',
  'undone stalled',
  'late',
];
const FIVE = { to: 5, every: 1000 };
/** More calls than the job makes without faults. */
const CALLS = 9;
/** What the caller may be told where a call to the storage goes wrong. */
const ENDS = ['done', 'UNAVAILABLE', 'TIMEOUT', 'ACCESS_DENIED', 'CONFLICT', 'LOCKED'];

/** Runs a job with faults at some calls, then another process that makes sure that it is done. */
async function runWith(fault: Fault, faulty: (call: number) => boolean): Promise<{ end: string; left: number }> {
  const { clock, storage, process } = createWorld();
  const first = process();
  const counted: number[] = [];
  first.connection.fault = () => (faulty(first.connection.calls.length) ? fault : undefined);
  const end = outcomeOf(
    first.jobs.start(
      counting((item) => counted.push(item)),
      FIVE,
    ),
  );
  await clock.pass(100_000);
  const left = storage.entries.size;
  const second = outcomeOf(
    process().jobs.start(
      counting((item) => counted.push(item)),
      FIVE,
    ),
  );
  await clock.pass(40_000);
  expect(await second).toBe('done');
  expect([...new Set(counted)].toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
  expect(storage.entries.size).toBe(0);
  return { end: await end, left };
}

describe.each(FAULTS)('the fault "%s"', (fault) => {
  it.each(Array.from({ length: CALLS }, (_, index) => index + 1))('at call %i loses nothing', async (call) => {
    const { end, left } = await runWith(fault, (calls) => calls === call);
    expect(ENDS).toContain(end);
    // Nothing is left of what is done, unless a try to create it arrives when all is over.
    const mayStay = fault === 'late' && call === 1;
    if (end === 'done' && !mayStay) expect(left).toBe(0);
  });

  it('at every call from the third on loses nothing', async () => {
    const { end } = await runWith(fault, (calls) => calls >= 3);
    expect(ENDS).toContain(end);
  });
});

it.each<[Fault, string]>([
  ['conflict', 'done'],
  ['done unknown', 'done'],
  ['undone unknown', 'done'],
  ['done stalled', 'done'],
  ['undone stalled', 'done'],
])('the caller notices nothing of "%s" at the first write', async (fault, expected) => {
  expect(await runWith(fault, (calls) => calls === 1)).toEqual({ end: expected, left: 0 });
});

it('a state that cannot be written is reported with its job, not with its name at the storage', async () => {
  const full = new SecureStoreError('NO_SPACE', 'the disk is full. Nothing was changed.', {
    key: 'w/job/abc',
    operation: 'write',
  });
  const { process } = createWorld();
  const { jobs, connection } = process();
  connection.write = () => Promise.reject(full);
  const error: unknown = await jobs.start(counting(), FIVE).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'NO_SPACE',
    message: 'job count cannot write its state: the disk is full. Nothing was changed. What is done stays done.',
    advice: [{ id: 'start-job-again', job: 'count' }],
  });
  expect(SecureStoreError.is(error) && [error.key, error.operation]).toEqual([undefined, undefined]);
});

it('a storage that shows and hides a state ends the start with UNAVAILABLE', async () => {
  const { clock, process, storage } = createWorld();
  const stopped = process().jobs.start(counting(), FIVE);
  const end = outcomeOf(stopped);
  await clock.pass(1500);
  stopped.cancel();
  expect(await end).toBe('ABORTED');
  const old = storage.get('count');
  let reads = 0;
  const jobs = new Jobs({
    storage: {
      async read() {
        reads += 1;
        if (reads > 1000) throw new SecureStoreError('INTERNAL', 'it goes on and on');
        return reads % 2 === 1 ? old : undefined;
      },
      async write() {
        throw new SecureStoreError('CONFLICT', 'there is one');
      },
      remove: async () => undefined,
      async *list() {},
    },
    clock,
    random: (length) => new Uint8Array(length),
  });
  await expect(jobs.start(counting(), FIVE)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: 'job count cannot be taken over: its state changed 5 times meanwhile',
    advice: [{ id: 'try-again' }],
  });
});
