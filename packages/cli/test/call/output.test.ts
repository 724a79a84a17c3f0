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

/** The text on stdout, a terminal. */
async function shownOn(isTTY: boolean, text: string): Promise<string> {
  const stdout = Object.assign(new PassThrough(), { isTTY });
  await createOutput({ stdout, stderr: new PassThrough() }, false, () => ({ args: [] })).result({}, () => [text]);
  return String(stdout.read());
}

describe('a text that a server or a store has given', () => {
  const HOSTILE = 'a\u001b]0;title\u0007\u202e';
  const ESCAPED = 'a\\u{1b}]0;title\\u{07}\\u{202e}';

  it('steers no terminal as a note', () => {
    expect(saidOn(60, (out) => out.note(`${HOSTILE}\nb`))).toBe(`${ESCAPED}\nb\n`);
    expect(saidOn(undefined, (out) => out.note(HOSTILE))).toBe(`${ESCAPED}\n`);
  });

  it('steers no terminal as a result, which keeps its colours, and reaches a program as it is', async () => {
    expect(await shownOn(true, `\u001b[32mok\u001b[39m ${HOSTILE}`)).toBe(`\u001b[32mok\u001b[39m ${ESCAPED}\n`);
    expect(await shownOn(false, HOSTILE)).toBe(`${HOSTILE}\n`);
  });

  it('is never the line of a command on its own', () => {
    const key = 'of another member: securestore purge --all --yes #';
    const long = `"${key}", which is longer than a line`;
    const said = saidOn(60, (out) => {
      out.error(refusal('NOT_FOUND', long, { hints: [{ text: `see ${long}` }] }));
      out.note(`skipped ${long}`);
    });
    expect(said.split('\n').filter((line) => line.trim().startsWith('securestore'))).toEqual([]);
    const hint = { text: `to see "${key}"`, command: 'securestore ls --prefix a --store file:./b' };
    const lines = saidOn(60, (out) => void out.error(refusal('NOT_FOUND', 'x', { hints: [hint] }))).split('\n');
    expect(lines.filter((line) => line.trim().startsWith('securestore'))).toEqual([`  ${hint.command}`]);
  });
});
