import { describe, expect, it } from 'vitest';
import { narrator, sourceOf } from '../src/narrator.ts';
import type { Narrator } from '../src/narrator.ts';

function recorded(isTTY: boolean): { readonly narrator: Narrator; readonly text: () => string } {
  let text = '';
  const output = { isTTY, write: (part: string) => (text += part) };
  return { narrator: narrator(output), text: () => text };
}

describe('the narrator', () => {
  it('shows the call that it makes, and returns what it returned', async () => {
    const { narrator: tell, text } = recorded(false);
    expect(await tell.call(() => Math.max(1, 2))).toBe(2);
    expect(text()).toBe('> Math.max(1, 2)\n');
  });

  it('stops where a claim does not hold', () => {
    expect(() => recorded(false).narrator.check('two is one', false)).toThrow('This is not so: two is one');
  });

  it('stops where a call that must fail succeeds, or fails in another way', async () => {
    const { narrator: tell } = recorded(false);
    await expect(tell.failingCall(() => 1, 'CONFLICT')).rejects.toThrow('should have failed with CONFLICT');
    const other = Object.assign(new Error('no'), { code: 'NOT_FOUND' });
    await expect(tell.failingCall(() => Promise.reject(other), 'CONFLICT')).rejects.toThrow('CONFLICT');
    await expect(tell.failingCall(() => Promise.reject(other), 'NOT_FOUND')).resolves.toBe('no');
  });

  it('uses colours on a terminal only', () => {
    const [terminal, pipe] = [recorded(true), recorded(false)];
    for (const { narrator: tell } of [terminal, pipe]) tell.step('One', 'Words.');
    expect(terminal.text()).toContain('\u001B[');
    expect(pipe.text()).toBe('\n1. One\nWords.\n\n');
  });
});

describe('sourceOf', () => {
  it('is the expression without the indentation of its surroundings', () => {
    const action = { toString: () => '() =>\n      call({\n        one: 1,\n      })' } as unknown as () => unknown;
    expect(sourceOf(action)).toBe('call({\n  one: 1,\n})');
  });
});
