import { auditName, auditPrefix, parseAuditName } from '@securestore/core-format';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AuditTrail, EntriesOptions, TrailEntry } from '../src/index.ts';
import { LONG, onlyLong, sized } from '../../../tools/campaigns/src/size.ts';
import { actionsOf, StoredLog } from './support/stored-log.ts';
import type { Segment } from './support/stored-log.ts';

const SECOND = 1000;
const MINUTE: number = 60 * SECOND;
const MANY = 10_000;
/** What is done with so many takes a while to prepare. */
const SOME: number = sized({ short: 2000, full: MANY, torture: MANY });
const PARTS: number = sized({ short: 20_000, full: 100_000, torture: 100_000 });

/** A log of many short commands, a second apart, beside a server that began before them. */
function withShorts(count: number): { readonly log: StoredLog; readonly server: Segment } {
  const log = new StoredLog();
  const server = log.begin();
  server.write(['begun']);
  for (let at = 0; at < count; at++) {
    log.clock.advance(SECOND);
    log.short(`short ${at}`);
  }
  return { log, server };
}

/** What is told to somebody who follows, as it comes. */
function follow(trail: AuditTrail, options: EntriesOptions = {}): string[] {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const seen: string[] = [];
  void (async () => {
    for await (const { action } of trail.tail({ follow: true, signal: stop.signal, ...options })) seen.push(action);
  })();
  return seen;
}

/** Reads a log backwards, a page at a time. */
async function pages(trail: AuditTrail, entries: number): Promise<TrailEntry[]> {
  const all: TrailEntry[] = [];
  for (let before: TrailEntry | undefined; ; before = all[0]) {
    const page = await trail.entries({ entries, before });
    all.unshift(...page);
    if (page.length < entries) return all;
  }
}

describe('the newest entries', () => {
  test('are found in whatever segment, also in one that began before ten thousand others, by few calls', async () => {
    const { log, server } = withShorts(MANY);
    server.write(['newest']);
    const { trail } = log;
    expect(actionsOf(await trail.entries({ entries: 3 }))).toEqual([`short ${MANY - 1}`, 'audit.end', 'newest']);
    // Eleven pages of a thousand names; the parts that were written in the ten minutes by which clocks may differ.
    const first = log.calls();
    expect(first.pages).toBeLessThanOrEqual(13);
    expect(first.reads).toBeLessThanOrEqual(620);
    await trail.entries({ entries: 3 });
    const second = log.calls();
    expect(second.pages).toBeLessThanOrEqual(13);
    expect(second.reads).toBeLessThanOrEqual(20);
  });

  test('are asked for again by a call for each segment that has not ended, where most have', async () => {
    const { log, server } = withShorts(SOME);
    const { trail } = log;
    expect(await trail.entries({ entries: 100_000 })).toHaveLength(2 * SOME + 1);
    log.calls();
    log.clock.advance(MINUTE);
    server.write(['later']);
    log.clock.advance(SECOND);
    log.short('after that');
    expect(actionsOf(await trail.entries({ entries: 3 }))).toEqual(['later', 'after that', 'audit.end']);
    expect(log.calls().pages).toBeLessThanOrEqual(4);
  });

  test('are the same, read at once, or backwards a page at a time', async () => {
    const log = new StoredLog();
    const open = Array.from({ length: 5 }, (_, at) => log.begin(at * 700 - 1500));
    for (let at = 0; at < 600; at++) {
      log.clock.advance(137);
      open[(at * 7) % 5]?.write(Array.from({ length: (at % 3) + 1 }, (_, of) => `${at}.${of}`));
      if (at % 50 === 0) log.short(`short ${at}`);
    }
    const all = await log.trail.entries({ entries: 100_000 });
    expect(all.map(({ time }) => time)).toEqual(all.map(({ time }) => time).toSorted((a, b) => a - b));
    expect(all).toHaveLength(1224);
    for (const entries of [1, 7, 100]) {
      const newest = await log.trail.entries({ entries });
      expect(newest).toEqual(all.slice(-entries));
    }
    expect(await pages(log.trail, 50)).toEqual(all);
  });

  test('are found at the end of a segment of very many parts, and before an entry amid them, by few calls', async () => {
    const log = new StoredLog();
    const long = log.begin();
    for (let at = 0; at < PARTS; at++) {
      log.clock.advance(10);
      long.write([`long ${at}`]);
    }
    log.clock.advance(10);
    for (let at = 0; at < 20; at++) log.short(`short ${at}`);
    const { trail } = log;
    expect(actionsOf(await trail.entries({ entries: 2 }))).toEqual(['audit.end', 'audit.end']);
    const first = log.calls();
    expect(first.pages).toBeLessThanOrEqual(60);
    expect(first.reads).toBeLessThanOrEqual(40);
    const segment = 'v'.repeat(26);
    const before = { time: log.clock.now() - 5 * PARTS - 5, sequence: 1, segment };
    const half = PARTS / 2;
    expect(actionsOf(await trail.entries({ entries: 2, before }))).toEqual([`long ${half - 2}`, `long ${half - 1}`]);
    const { pages: listed, reads } = log.calls();
    expect(listed).toBeLessThanOrEqual(60);
    expect(reads).toBeLessThanOrEqual(60);
  });

  test('are found where clocks differ by less than ten minutes', async () => {
    const log = new StoredLog();
    const ahead = log.begin(9 * MINUTE);
    ahead.write(['ahead']);
    log.clock.advance(MINUTE);
    for (let at = 0; at < 100; at++) log.short(`short ${at}`);
    expect(actionsOf(await log.trail.entries({ entries: 1 }))).toEqual(['ahead']);
  });

  test.runIf(LONG)(onlyLong('that may be missing among a quarter of a million segments are said to be'), async () => {
    const log = new StoredLog();
    const begun = log.clock.now();
    const cut: string[] = [];
    const onCut = ({ message }: { readonly message: string }): void => void cut.push(message);
    const { parts } = log;
    const body = parts.get(log.begin().write(['old']))?.body ?? Buffer.of();
    for (let at = 0; at < 260_000; at++) {
      log.put(auditName(auditPrefix(begun + at * SECOND, ID), 0), body, begun + at * SECOND);
    }
    log.clock.advance(260_001 * SECOND);
    log.short('newest');
    const { trail } = log;
    expect(actionsOf(await trail.entries({ entries: 2, onCut }))).toEqual(['newest', 'audit.end']);
    expect(cut).toEqual([]);
    const before = { time: begun + 1000 * SECOND, sequence: 1, segment: '0'.repeat(26) };
    expect(await trail.entries({ entries: 2, before, onCut })).toEqual([]);
    expect(cut).toEqual([
      'only the 200,000 segments of the log that were written last were read. Older entries may be missing.',
    ]);
  });
});

const ID: Buffer = Buffer.alloc(16, 1);

describe('who follows the log', () => {
  test('is told of a segment that began before many others, at once where it was silent for less than a minute', async () => {
    const { log, server } = withShorts(SOME);
    server.write(['before']);
    const seen = follow(log.trail, { entries: 1 });
    await expect.poll(() => seen).toEqual(['before']);
    for (const action of ['one', 'two', 'three']) {
      server.write([action]);
      await log.clock.pass(SECOND);
      await expect.poll(() => seen.at(-1)).toBe(action);
    }
  });

  test('is told within about a minute of one that was silent for long, and by few calls each second', async () => {
    const { log, server } = withShorts(SOME);
    log.clock.advance(60 * MINUTE);
    const seen = follow(log.trail, { entries: 1 });
    await expect.poll(() => seen).toEqual(['audit.end']);
    log.calls();
    server.write(['again']);
    for (let at = 0; at < 70; at++) {
      await log.clock.pass(SECOND, SECOND);
      await expect.poll(() => log.idle).toBe(true);
    }
    expect(seen).toEqual(['audit.end', 'again']);
    const { pages: listed, reads } = log.calls();
    expect(listed).toBeLessThanOrEqual(70 * 4);
    expect(reads).toBeLessThanOrEqual(2);
  });

  test('is told of each new segment once, and of nothing behind an end', async () => {
    const { log } = withShorts(3);
    const seen = follow(log.trail, { entries: 0 });
    await log.clock.pass(SECOND);
    const late = log.begin(-5 * MINUTE);
    late.write(['late']);
    const ended = log.begin();
    ended.write(['once', 'audit.end']);
    await log.clock.pass(2 * SECOND);
    await expect.poll(() => seen.toSorted()).toEqual(['audit.end', 'late', 'once']);
    ended.write(['behind the end']);
    late.write(['later']);
    for (let at = 0; at < 70; at++) await log.clock.pass(SECOND, SECOND);
    await expect.poll(() => seen.toSorted()).toEqual(['audit.end', 'late', 'later', 'once']);
  });

  test('is told what comes once a backend no longer invents names without an end, which took a bounded number of calls', async () => {
    const { log, server } = withShorts(3);
    const seen = follow(log.trail, { entries: 1 });
    await expect.poll(() => seen).toEqual(['audit.end']);
    let invented = 0;
    log.lie = ({ prefix, after = '' }) => {
      if (prefix !== 'a/' || after > server.prefix) return undefined;
      const parts = Array.from({ length: 100 }, () => ({
        name: auditName(auditPrefix(Date.UTC(2100, 0, 1) - invented++, ID), 0),
        modified: log.clock.now(),
      }));
      return { parts, next: parts.at(-1)?.name ?? '' };
    };
    log.calls();
    await log.clock.pass(2 * SECOND, SECOND);
    await expect.poll(() => invented).toBeGreaterThan(10_000);
    await expect.poll(() => log.idle).toBe(true);
    expect(log.calls().pages).toBeLessThan(300);
    log.lie = undefined;
    server.write(['seen at last']);
    await expect
      .poll(async () => {
        await log.clock.pass(SECOND, SECOND);
        return seen;
      })
      .toContain('seen at last');
  });

  test('is told of what comes elsewhere, though a backend invents parts of one segment without an end', async () => {
    const { log, server } = withShorts(3);
    const other = log.begin();
    log.clock.advance(SECOND);
    other.write(['other']);
    const damaged: string[] = [];
    const seen = follow(log.trail, { entries: 1, onDamaged: ({ name }) => void damaged.push(name) });
    await expect.poll(() => seen).toEqual(['other']);
    log.lie = ({ prefix = '', after = '' }) => {
      if (prefix !== other.prefix && !after.startsWith(other.prefix)) return undefined;
      const last = parseAuditName(after)?.sequence ?? 0;
      const parts = Array.from({ length: 100 }, (_, at) => ({
        name: auditName(other.prefix, last + 1 + at),
        modified: log.clock.now(),
      }));
      return { parts, next: parts.at(-1)?.name ?? '' };
    };
    log.calls();
    server.write(['from the server']);
    await log.clock.pass(SECOND, SECOND);
    await expect.poll(() => seen, { timeout: 20_000 }).toContain('from the server');
    expect(log.calls().pages).toBeLessThan(300);
  });
});
