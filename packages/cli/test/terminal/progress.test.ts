import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Job } from 'securestore';
import { formatJobProgress, watchJob } from '../../src/terminal/job-progress.ts';
import { watchWait } from '../../src/terminal/wait-progress.ts';
import { formatProgress, type Progress, startProgress } from '../../src/terminal/progress.ts';

describe('a line of progress', () => {
  it.each([
    [{ bytes: 0 }, 1000, 'put: 0 B, 0 B/s'],
    [{ bytes: 512, totalBytes: 2048 }, 2000, 'put: 512 B of 2.0 KiB, 256 B/s, 6 s left'],
    [{ bytes: 0, totalBytes: 2048 }, 2000, 'put: 0 B of 2.0 KiB, 0 B/s'],
    [{ bytes: 1024 * 1024 }, 500, 'put: 1.0 MiB, 2.0 MiB/s'],
  ])('%j after %d ms', (amount, elapsed, line) => {
    expect(formatProgress('put', amount, elapsed)).toBe(line);
  });
});

describe('a line of progress of a job', () => {
  it.each([
    [{ phase: 'making new keys', done: 0, bytes: 0, rate: 0 }, 'rotate: making new keys'],
    [
      { phase: 're-keying', done: 512, total: 2048, bytes: 0, rate: 256.4, eta: 6000 },
      'rotate: re-keying, 512 of 2048 (25 %), 256/s, 6 s left',
    ],
    [{ phase: 'counting', done: 7, bytes: 0, rate: 3 }, 'rotate: counting, 7, 3/s'],
    [
      { phase: 'restoring', done: 1, total: 9, bytes: 2048, rate: 2, eta: 4000 },
      'rotate: restoring, 1 of 9 (11 %), 2/s, 2.0 KiB, 4 s left',
    ],
  ])('%j', (progress, line) => {
    expect(formatJobProgress('rotate', progress)).toBe(line);
  });

  it('steers no terminal, whatever a server says of its job', () => {
    const progress = { phase: 'scrubbing\u001b]0;x\u0007', done: 0, bytes: 0, rate: 0 };
    expect(formatJobProgress('scrub', progress)).toBe('scrub: scrubbing\\u{1b}]0;x\\u{07}');
  });

  it.each([
    [
      { phase: 'copying', done: 3688, total: 6600, bytes: 2048, rate: 597, eta: 4900 },
      'migrate: copying, 3688 of 6600 objects (55 %), 597/s, 2.0 KiB, 5 s left',
    ],
    [{ phase: 'copying', done: 12, total: 10, bytes: 0, rate: 2, eta: 0 }, 'migrate: copying, 12 objects, 2/s'],
    [{ phase: 'copying', done: 0, total: 0, bytes: 0, rate: 0 }, 'migrate: copying, 0 of 0 objects'],
    [{ phase: 'waiting', done: 0, bytes: 0, rate: 0 }, 'migrate: waiting for others (6 s)'],
    [{ phase: 'unknown', done: 1, bytes: 0, rate: 0 }, 'migrate: unknown, 1'],
  ])('%j, in the words of a command', (progress, line) => {
    const words = { copying: { unit: 'objects' }, waiting: { text: 'waiting for others (6 s)' } };
    expect(formatJobProgress('migrate', progress, 0, words)).toBe(line);
  });
});

function start(isTTY: boolean, columns?: number): { readonly shown: () => string; readonly progress: Progress } {
  const chunks: string[] = [];
  const stderr = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk.toString());
      done();
    },
  });
  const progress = startProgress(
    { stderr: Object.assign(stderr, { isTTY, ...(columns !== undefined && { columns }) }), now: () => new Date() },
    'stored',
    {
      totalBytes: 4096,
    },
  );
  return { shown: () => chunks.join(''), progress };
}

describe('progress', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('shows once it has taken a second, and goes when it is done', () => {
    const { shown, progress } = start(true);
    vi.advanceTimersByTime(900);
    expect(shown()).toBe('');
    progress.add(1024);
    vi.advanceTimersByTime(1100);
    expect(shown()).toMatch(/\r\u001b\[Kstored: 1\.0 KiB of 4\.0 KiB, 512 B\/s, 6 s left$/);
    progress[Symbol.dispose]();
    expect(shown()).toMatch(/\r\u001b\[K$/);
    const end = shown();
    vi.advanceTimersByTime(5000);
    expect(shown()).toBe(end);
  });

  it('is cut to the width of the terminal, where it says one', () => {
    for (const [columns, line] of [
      [0, 'stored: 0 B of 4.0 KiB, 0 B/s'],
      [10, 'stored: 0'],
    ] as const) {
      const { shown, progress } = start(true, columns);
      vi.advanceTimersByTime(1200);
      expect(shown().split('\u001b[K').at(-1)).toBe(line);
      progress[Symbol.dispose]();
    }
  });

  it('shows nothing where stderr is no terminal', () => {
    const { shown, progress } = start(false);
    progress.add(1);
    vi.advanceTimersByTime(10_000);
    progress[Symbol.dispose]();
    expect(shown()).toBe('');
  });
});

describe('the progress of a job on a terminal', () => {
  it('has the bytes of a phase, and how many a second', async () => {
    vi.useFakeTimers();
    try {
      const chunks: string[] = [];
      const stderr = new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          chunks.push(chunk.toString());
          done();
        },
      });
      const ending = Promise.withResolvers<string>();
      const next = Promise.withResolvers<void>();
      const progress = (async function* () {
        // What an earlier run did is not what this one is fast by.
        yield { phase: 'reading', done: 3, bytes: 10 * 1024 * 1024, rate: 0 };
        await next.promise;
        yield { phase: 'reading', done: 3, bytes: 14 * 1024 * 1024, rate: 0 };
      })();
      const job = Object.assign(ending.promise, { progress }) as unknown as Job<string>;
      const cli = { stderr: Object.assign(stderr, { isTTY: true, columns: 80 }), now: () => new Date() };
      const watched = watchJob(cli, 'backup', job);
      await vi.advanceTimersByTimeAsync(1800);
      next.resolve();
      await vi.advanceTimersByTimeAsync(200);
      ending.resolve('report');
      await watched;
      expect(chunks).toContain('\r\u001b[Kbackup: reading, 3, 14 MiB, 2.0 MiB/s');
    } finally {
      vi.useRealTimers();
    }
  });

  it.each([
    [0, 'rotate: making new keys'],
    [16, 'rotate: making '],
  ])('of %d columns', async (columns, line) => {
    vi.useFakeTimers();
    try {
      const chunks: string[] = [];
      const stderr = new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          chunks.push(chunk.toString());
          done();
        },
      });
      const ending = Promise.withResolvers<string>();
      const progress = (async function* () {
        yield { phase: 'making new keys', done: 0, bytes: 0, rate: 0 };
      })();
      const job = Object.assign(ending.promise, { progress }) as unknown as Job<string>;
      const cli = { stderr: Object.assign(stderr, { isTTY: true, columns }), now: () => new Date() };
      const watched = watchJob(cli, 'rotate', job);
      await vi.advanceTimersByTimeAsync(1500);
      ending.resolve('report');
      expect(await watched).toBe('report');
      expect(chunks).toContain(`\r\u001b[K${line}`);
    } finally {
      vi.useRealTimers();
    }
  });
});

/** What is said while something is waited for that takes so many milliseconds. */
async function waiting(isTTY: boolean, milliseconds: number): Promise<string[]> {
  vi.useFakeTimers();
  try {
    const chunks: string[] = [];
    const stderr = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        chunks.push(chunk.toString());
        done();
      },
    });
    const ending = Promise.withResolvers<string>();
    const cli = { stderr: Object.assign(stderr, { isTTY, columns: 0 }), now: () => new Date() };
    const watched = watchWait(cli, 'key destroy: waiting', ending.promise);
    await vi.advanceTimersByTimeAsync(milliseconds);
    ending.resolve('done');
    expect(await watched).toBe('done');
    await vi.advanceTimersByTimeAsync(5000);
    return chunks;
  } finally {
    vi.useRealTimers();
  }
}

describe('what is waited for', () => {
  it('is said on a terminal once it has taken a second, and goes when it is over', async () => {
    const said = await waiting(true, 4100);
    expect(said[0]).toBe('\r\u001b[Kkey destroy: waiting, 1 s');
    expect(said.at(-2)).toBe('\r\u001b[Kkey destroy: waiting, 4 s');
    expect(said.at(-1)).toBe('\r\u001b[K');
  });

  it('is not said where it is short, or stderr is no terminal', async () => {
    expect(await waiting(true, 900)).toEqual([]);
    expect(await waiting(false, 10_000)).toEqual([]);
  });
});
