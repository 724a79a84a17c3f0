import { execFileSync } from 'node:child_process';
import { ADVICE_IDS } from '@securestore/core-format';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

interface Pages {
  readonly errorIn: (sent: unknown) => { readonly code: string; readonly advice: readonly object[] };
  readonly nextSteps: (advice: readonly object[]) => readonly { readonly text: string; readonly command?: string }[];
}

async function pages(): Promise<Pages> {
  const from = async (name: string): Promise<Partial<Pages>> =>
    (await import(new URL(`../src/pages/lib/${name}.ts`, import.meta.url).href)) as Partial<Pages>;
  return { ...(await from('api')), ...(await from('advice')) } as Pages;
}

beforeEach(() => void vi.stubGlobal('location', { origin: 'https://vault.example.com' }));
afterEach(() => void vi.unstubAllGlobals());

const parameters = { action: 'read', call: 'retrieve', key: '-$(id)', job: 'rotation', url: 'file:./b' };

it.each(ADVICE_IDS)('%s is a sentence, with a command to paste or none', async (id) => {
  const { nextSteps } = await pages();
  for (const step of nextSteps([{ id, ...parameters }, { id }])) {
    expect(step.text).toMatch(/^[A-Z“].*[.:]$/);
    expect(step.text.endsWith(':')).toBe(step.command !== undefined);
    expect(`${step.text} ${step.command}`).not.toMatch(/\(id\)(?!')|\[object/);
    if (step.command === undefined) continue;
    const words = execFileSync('/bin/sh', ['-c', `securestore() { printf '%s\\0' "$@"; }\n${step.command}`]);
    expect(words.toString().split('\0')).toContain('https://vault.example.com');
  }
});

it('what the pages have no words for is left out, and no more than three steps are shown', async () => {
  const { nextSteps } = await pages();
  expect(nextSteps([{ id: 'of-a-newer-release' }, { id: 'constructor' }, { id: 'reset-clock' }])).toEqual([]);
  const many = ['try-again', 'reopen-store', 'read-again', 'list-jobs'].map((id) => ({ id }));
  expect(nextSteps(many).map(({ text }) => text)).toEqual([
    'Wait a moment, and try again.',
    'Reload this page.',
    'Reload this page to see what is stored now.',
  ]);
});

it.each([undefined, null, 'x', {}, [null, 1, [], {}, { id: 1 }, { id: 'try-again', job: {} }]])(
  'an error whose advice is %j has none',
  async (advice) => {
    const { errorIn } = await pages();
    const error = errorIn({ code: 'LOCKED', detail: 'the store is locked', advice });
    expect(error).toMatchObject({ code: 'LOCKED', advice: [] });
  },
);

it('an error keeps the advice that the server has sent', async () => {
  const { errorIn } = await pages();
  const advice = [{ id: 'ask-for-permission', action: 'read', key: 'k' }, { id: 'of-a-newer-release' }];
  expect(errorIn({ code: 'ACCESS_DENIED', detail: 'x', advice }).advice).toEqual(advice);
});
