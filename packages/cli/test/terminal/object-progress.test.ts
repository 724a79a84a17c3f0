import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { formatObjects, startObjectProgress } from '../../src/terminal/object-progress.ts';

describe('a line of progress over objects', () => {
  it.each([
    [{ done: 0, bytes: 0 }, 1000, 'verifying: 0 objects, 0/s'],
    [{ done: 50, total: 200, bytes: 0 }, 2000, 'verifying: 50 of 200 objects, 25/s, 6 s left'],
    [{ done: 0, total: 200, bytes: 0 }, 2000, 'verifying: 0 of 200 objects, 0/s'],
    [{ done: 7, bytes: 1024 * 1024 }, 500, 'verifying: 7 objects, 1.0 MiB, 14/s'],
    [{ done: 9, total: 8, bytes: 0 }, 1000, 'verifying: 9 objects, 9/s'],
  ])('%j after %d ms', (progress, elapsed, line) => {
    expect(formatObjects('verifying', progress, elapsed)).toBe(line);
  });
});

function start(isTTY: boolean, times: number[], columns?: number) {
  const chunks: string[] = [];
  const stderr = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk.toString());
      done();
    },
  });
  const progress = startObjectProgress(
    {
      stderr: Object.assign(stderr, { isTTY, ...(columns !== undefined && { columns }) }),
      now: () => new Date(times.shift() ?? 0),
    },
    'verifying',
  );
  return { progress, shown: () => chunks.join('') };
}

describe('progress over objects', () => {
  it('shows once it has taken a second, not too often, and goes when it is done', () => {
    const { progress, shown } = start(true, [0, 900, 2000, 2100]);
    for (const done of [1, 4, 5]) progress.show({ done, bytes: 0 });
    expect(shown()).toBe('\r\u001b[Kverifying: 4 objects, 2/s');
    progress[Symbol.dispose]();
    expect(shown()).toMatch(/\r\u001b\[K$/);
  });

  it('is whole on a terminal that does not say its width', () => {
    const { progress, shown } = start(true, [0, 2000], 0);
    progress.show({ done: 4, bytes: 0 });
    expect(shown()).toBe('\r\u001b[Kverifying: 4 objects, 2/s');
  });

  it('shows nothing where stderr is no terminal', () => {
    const { progress, shown } = start(false, [0, 5000]);
    progress.show({ done: 1, bytes: 0 });
    progress[Symbol.dispose]();
    expect(shown()).toBe('');
  });
});
