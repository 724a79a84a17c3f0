import { describe, expect, it } from 'vitest';
import type { Schedule } from '../../src/schedule/index.ts';
import { nextRun, runSchedules } from '../../src/schedule/index.ts';
import { Process, SharedStorage, World } from '../support/processes.ts';
import { LONG, sized } from '../../../../tools/campaigns/src/size.ts';

const SECOND = 1000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);
/** In a short run once the clocks of all have changed. */
const END = LONG ? Date.UTC(2027, 0, 1) : Date.UTC(2026, 4, 1);
/** The storage's clock, by which runs are due, is so far behind. */
const BEHIND = HOUR;
/** How late a run may begin while at least one process lives and isn't stopped. */
const IN_TIME = 30 * MINUTE;

const planned = (id: string, cron: string, timeZone: string, jitter = 0): Schedule<null> => ({
  id,
  cron,
  timeZone,
  jitter,
  since: START,
  task: null,
});

const SEEDS = sized({ short: [1], full: [1, 2], torture: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] });

const SCHEDULES = [
  planned('berlin', '30 2 * * *', 'Europe/Berlin'),
  planned('new-york', '30 2 * * *', 'America/New_York', 20 * MINUTE),
  planned('lord-howe', '45 1,13 * * *', 'Australia/Lord_Howe'),
];

/** Numbers that look random, from 0 up to 1. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Recorded {
  readonly occurrence: number;
  readonly started: number;
  readonly error?: string;
}

/** A year of three processes that are killed and stopped again and again. */
class Year {
  readonly world = new World(START);
  readonly shared = new SharedStorage(this.world, { behind: BEHIND });
  readonly random: () => number;
  /** What the state says of each schedule, in the order in which it was written. */
  readonly recorded = new Map<string, Recorded[]>();
  readonly clashes: string[] = [];
  readonly kills = { midRun: 0, all: 0 };
  readonly #working = new Map<string, Set<Process>>();
  readonly #processes: Process[] = [];
  /** When no process was running, as pairs of times. */
  readonly down: [number, number][] = [];

  constructor(seed: number) {
    this.random = numbersFrom(seed);
    const seen = new Set<string>();
    this.shared.onWrite = (id, bytes) => {
      const { last } = JSON.parse(Buffer.from(bytes).toString()) as { last?: Recorded & { run: string } };
      if (last === undefined || seen.has(last.run)) return;
      seen.add(last.run);
      this.recorded.set(id, [...(this.recorded.get(id) ?? []), last]);
    };
  }

  #between(low: number, high: number): number {
    return low + Math.floor(this.random() * (high - low));
  }

  /** One step of the work: nobody else may be at it, but for a process that has just been woken and doesn't know yet. */
  #step(id: string, process: Process): void {
    const others = [...(this.#working.get(id) ?? [])].filter((other) => other !== process && other.running);
    const knows = this.world.time - process.resumedAt > SECOND;
    if (knows && others.some(({ resumedAt }) => this.world.time - resumedAt > SECOND)) {
      this.clashes.push(`${id} at ${new Date(this.world.time).toISOString()}`);
    }
  }

  async #work(schedule: Schedule<null>, process: Process, signal: AbortSignal): Promise<void> {
    const { id } = schedule;
    const working = this.#working.get(id) ?? new Set();
    this.#working.set(id, working.add(process));
    try {
      for (let left = this.#between(1, 20); left > 0; left--) {
        this.#step(id, process);
        const fate = this.random();
        if (fate < 0.02) this.#end(this.#processes.indexOf(process), process, this.#between(SECOND, HOUR));
        else if (fate < 0.04) this.#rest(process);
        await process.clock.sleep(MINUTE, signal);
      }
      this.#step(id, process);
    } finally {
      working.delete(process);
    }
  }

  /** A process, and those that take its place when it is killed. */
  #live(place: number): void {
    const process = new Process(this.world, this.shared, this.#between(-3 * MINUTE, 3 * MINUTE));
    process.latency = this.#between(10, 2000);
    process.fault = () => (this.random() < 0.01 ? (this.random() < 0.5 ? 'unavailable' : 'unknown') : undefined);
    this.#processes[place] = process;
    void runSchedules<null>({
      schedules: async () => SCHEDULES,
      state: process.storage,
      clock: process.clock,
      name: `process-${place}`,
      lookEvery: 15 * MINUTE,
      run: async (schedule, _run, signal) => {
        await this.#work(schedule, process, signal);
        return undefined;
      },
    });
    this.#noteDown();
    this.world.at(this.world.time + this.#between(HOUR, 40 * HOUR), () =>
      this.#end(place, process, this.#between(MINUTE, 6 * HOUR)),
    );
    this.#restNow(process);
  }

  #restNow(process: Process): void {
    this.world.at(this.world.time + this.#between(HOUR, 20 * HOUR), () => {
      if (!process.alive) return;
      this.#rest(process);
      this.#restNow(process);
    });
  }

  #rest(process: Process): void {
    if (!process.running) return;
    process.pause();
    this.#noteDown();
    this.world.at(this.world.time + this.#between(SECOND, 30 * MINUTE), () => {
      process.resume();
      this.#noteDown();
    });
  }

  #end(place: number, process: Process, away: number): void {
    if (!process.alive || this.#processes[place] !== process) return;
    if ([...this.#working.values()].some((working) => working.has(process))) this.kills.midRun += 1;
    process.kill();
    for (const working of this.#working.values()) working.delete(process);
    this.#noteDown();
    this.world.at(this.world.time + away, () => this.#live(place));
  }

  /** Everything is down for days, from time to time. */
  #outage(): void {
    this.world.at(this.world.time + this.#between(20 * DAY, 60 * DAY), () => {
      this.kills.all += 1;
      const away = this.#between(DAY, 4 * DAY);
      for (const [place, process] of this.#processes.entries()) this.#end(place, process, away);
      this.#outage();
    });
  }

  #noteDown(): void {
    const up = this.#processes.some(({ running }) => running);
    const current = this.down.at(-1);
    const isDown = current !== undefined && current[1] === Infinity;
    if (up && isDown) current[1] = this.world.time;
    if (!up && !isDown) this.down.push([this.world.time, Infinity]);
  }

  async run(): Promise<void> {
    for (const place of [0, 1, 2]) this.#live(place);
    this.#outage();
    await this.world.until(END);
  }

  /** Whether something was down, or had only just come back, at any time between two others. */
  wasDown(from: number, to: number): boolean {
    return this.down.some(([start, end]) => start <= to && end + IN_TIME >= from);
  }
}

/** All occurrences of the year but the last ones, which may be under way. */
function occurrencesOf(schedule: Schedule<null>): { time: number; start: number }[] {
  const found: { time: number; start: number }[] = [];
  for (
    let next = nextRun(schedule, START);
    next !== undefined && next.start < END - 5 * DAY;
    next = nextRun(schedule, next.start)
  ) {
    found.push(next);
  }
  return found;
}

describe.each(SEEDS)(
  `${LONG ? 'a year' : 'four months'} of three processes, killed and stopped at random (%i)`,
  (seed) => {
    it('runs each occurrence once, or makes up for it with a later one, and never two at once', async () => {
      const year = new Year(seed);
      await year.run();
      expect(year.clashes).toEqual([]);
      expect(year.kills.midRun).toBeGreaterThan(LONG ? 50 : 15);
      expect(year.kills.all).toBeGreaterThan(LONG ? 3 : 1);
      for (const schedule of SCHEDULES) {
        const recorded = year.recorded.get(schedule.id) ?? [];
        expect(recorded.filter(({ error }) => error !== undefined)).toEqual([]);
        const times = recorded.map(({ occurrence }) => occurrence);
        // Each was concluded once, in order.
        expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
        const occurrences = occurrencesOf(schedule);
        const known = new Set(occurrences.map(({ time }) => time));
        const own = times.filter((time) => time <= (occurrences.at(-1)?.time ?? 0));
        expect(own.filter((time) => !known.has(time))).toEqual([]);
        let madeUp = 0;
        for (const [index, { time, start }] of occurrences.entries()) {
          const standsFor = recorded.find(({ occurrence }) => occurrence >= time);
          if (standsFor === undefined)
            throw new Error(`nothing stands for ${schedule.id} ${new Date(time).toISOString()}`);
          const next = occurrences[index + 1];
          if (standsFor.occurrence === time) continue;
          madeUp += 1;
          // Only where nobody could run it before the next one was due; a run takes 20 minutes, and may be begun anew.
          if (next !== undefined && !year.wasDown(start + BEHIND, start + BEHIND + HOUR)) {
            throw new Error(`${schedule.id} ${new Date(time).toISOString()} was left out for no reason`);
          }
        }
        expect(madeUp).toBeGreaterThan(0);
        expect(recorded.length).toBeGreaterThan(occurrences.length * 0.8);
      }
    });
  },
);
