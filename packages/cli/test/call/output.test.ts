import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createOutput, type Output } from '../../src/call/output.ts';
import { refusal } from '../../src/errors/refuse.ts';

/** What is said on stderr, a terminal of so many columns. */
function saidOn(columns: number | undefined, say: (out: Output) => void): string {
  const stderr = Object.assign(new PassThrough(), { isTTY: columns !== undefined, columns: columns ?? 0 });
  say(createOutput({ stdout: new PassThrough(), stderr }, false, () => ({ args: [] })));
  return String(stderr.read()).replaceAll(/\u001b\[\d+m/g, '');
}

const LONG = 'what is said here is longer than a terminal of sixty columns has room for in one line';

describe('what is said on a terminal', () => {
  it.each([
    ['a note', (out: Output) => out.note(LONG)],
    ['a warning', (out: Output) => out.warning(LONG)],
    [
      'an error and its hints',
      (out: Output) => void out.error(refusal('NOT_FOUND', LONG, { hints: [{ text: LONG }] })),
    ],
  ])('is wrapped to it: %s', (_, say) => {
    const lines = saidOn(60, say).split('\n');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
    expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toContain(LONG);
    expect(saidOn(undefined, say)).toContain(LONG);
  });
});
