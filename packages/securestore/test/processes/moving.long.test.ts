import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { MigrationReport } from '../../src/index.ts';
import { openStore, rawKey } from '../../src/index.ts';
import type { Acknowledged } from '../support/busy.ts';
import { checkBusy } from '../support/busy.ts';
import { everythingOf } from '../support/everything.ts';
import { isKept, travelling } from '../support/moved.ts';
import { LONG, sized, TORTURE } from '../../../../tools/campaigns/src/size.ts';

const KILLS = sized({ short: 1, full: 3, torture: 5 });
const ROUNDS = TORTURE ? 10 : 1;
/** What a run has begun when its time begins to run out: the last one that is killed in a short test gets farther than those before. */
const PHASES = ['copying', 'applying changes', 'comparing', 'verifying', 'announcing', 'switching'] as const;
/** The longest that a run goes on from then, in milliseconds. */
const KILLED_WITHIN = sized({ short: 500, full: 2000, torture: 2000 });
const AMOUNT = LONG ? { small: 200, large: 1 } : { small: 40, large: 1, largeBytes: 1_000_000 };
const unlock = rawKey(Buffer.alloc(32, 7));

const WRITER = fileURLToPath(new URL('./moving-writer.ts', import.meta.url));
const MOVER = fileURLToPath(new URL('./mover.ts', import.meta.url));

function start(
  program: string,
  args: readonly string[],
  onLine: (line: Record<string, unknown>) => void,
): ChildProcess {
  const child = spawn(process.execPath, ['--conditions=@securestore/source', '--no-warnings', program, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  createInterface({ input: child.stdout }).on('line', (line) => onLine(JSON.parse(line) as Record<string, unknown>));
  return child;
}

/** What processes said that write all the time. */
interface Said {
  readonly writes: Acknowledged[];
  readonly strayed: unknown[];
}

async function startWriter(from: string, to: string, prefix: string, said: Said): Promise<() => Promise<void>> {
  const begun = Promise.withResolvers<void>();
  const child = start(WRITER, [from, to, prefix], ({ write, strayed }) => {
    if (write !== undefined) said.writes.push(write as Acknowledged);
    if (strayed !== undefined) said.strayed.push(strayed);
    begun.resolve();
  });
  const ended = once(child, 'close');
  await Promise.race([begun.promise, ended]);
  return async () => {
    child.stdin?.end();
    expect(await ended).toEqual([0, null]);
  };
}

interface Moving {
  readonly child: ChildProcess;
  readonly ended: Promise<MigrationReport | undefined>;
  /** When each phase began, in milliseconds since it was started. */
  readonly phases: readonly string[];
  readonly reached: (phase: string) => Promise<void>;
}

function startMover(from: string, to: string): Moving {
  let report: MigrationReport | undefined;
  const phases: string[] = [];
  const began = Date.now();
  const begun = new Map<string, PromiseWithResolvers<void>>(
    PHASES.map((phase) => [phase, Promise.withResolvers<void>()]),
  );
  const child = start(MOVER, [from, to], (line) => {
    const { phase } = line;
    if (typeof phase === 'string') {
      phases.push(`${phase} at ${Date.now() - began}`);
      begun.get(phase)?.resolve();
    }
    report = (line['report'] as MigrationReport | undefined) ?? report;
  });
  return {
    child,
    ended: once(child, 'close').then(() => report),
    phases,
    reached: async (phase) => begun.get(phase)?.promise,
  };
}

async function moveTo(from: string, to: string, said: Said): Promise<void> {
  const began = Date.now();
  const mover = startMover(from, to);
  const report = await mover.ended;
  expect(report).toMatchObject({ migrated: true, failed: [], findings: [] });
  const during = said.writes.filter(({ began: at, took }) => at + took >= began).map(({ took }) => Math.round(took));
  console.log(
    `closed for ${report?.pause} ms; of ${during.length} writes meanwhile the longest took ${Math.max(...during)} ms; ${mover.phases.join(', ')}`,
  );
}

/** Moves a store while two processes with two writers each go on; whoever moves it is killed again and again, and ends it at last. */
async function killed(from: string, to: string): Promise<void> {
  const { fingerprint } = await travelling(from, AMOUNT);
  const open = { unlock, fingerprint, maintenance: false } as const;
  const before = await openStore(from, open);
  const expected = await everythingOf(before, isKept);
  await before.close();
  const said: Said = { writes: [], strayed: [] };
  const stops = await Promise.all(['busy/1', 'busy/2'].map((prefix) => startWriter(from, to, prefix, said)));

  for (let kill = 1; kill <= KILLS; kill++) {
    const mover = startMover(from, to);
    const phase = TORTURE || kill === KILLS ? PHASES[randomInt(PHASES.length)] : undefined;
    const reached = phase === undefined ? Promise.resolve() : mover.reached(phase);
    const after = randomInt(KILLED_WITHIN);
    await Promise.race([reached.then(() => sleep(after)), mover.ended]);
    mover.child.kill('SIGKILL');
    const report = await mover.ended;
    console.log(`killed ${after} ms after ${phase ?? 'its start'}: ${mover.phases.join(', ')}`);
    if (report !== undefined) break;
  }
  await moveTo(from, to, said);
  await sleep(sized({ short: 300, full: 1000, torture: 1000 }));
  await moveTo(to, from, said);
  await sleep(500);
  await Promise.all(stops.map((stop) => stop()));
  const all = said.writes.map(({ took }) => Math.round(took)).toSorted((a, b) => b - a);
  console.log(`${all.length} writes, of which the longest took ${all.slice(0, 5).join(', ')} ms`);

  expect(said.strayed).toEqual([]);
  await using store = await openStore(from, open);
  expect(await everythingOf(store, isKept)).toEqual(expected);
  // Nobody who writes has died, so there is not even one that nobody was told of.
  expect(await checkBusy(store, said.writes, 0)).toBe(0);
  expect(await store.verify({ payloads: true })).toMatchObject({ ok: true, findings: [] });
  await expect(openStore(to, open)).rejects.toMatchObject({ code: 'LOCKED' });
}

const WAYS = [
  ['sqlite', 'file'],
  ['file', 'sqlite'],
] as const;

describe.each(LONG ? WAYS : WAYS.slice(0, 1))(
  'a store that is written by two processes moves from %s to %s and back',
  (first, second) => {
    test.each(Array.from({ length: ROUNDS }, (_, round) => round + 1))(
      'and its mover is killed again and again: %i',
      { timeout: 900_000 },
      async () => {
        const folder = mkdtempSync(join(tmpdir(), 'securestore-moving-'));
        onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
        await killed(`${first}:${join(folder, 'one')}`, `${second}:${join(folder, 'two')}`);
      },
    );
  },
);
