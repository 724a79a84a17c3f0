import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { digestOfSources, onceForSources } from '../src/held.ts';
import { tallyOf } from '../src/stages.ts';
import type { Stage } from '../src/stages.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'securestore-held-'));
  onTestFinished(async () => rm(folder, { recursive: true, force: true }));
});

function counted(ok = true, skipped = 0): { readonly stage: Stage; readonly runs: () => number } {
  let runs = 0;
  const run = async (): Promise<ReturnType<typeof tallyOf>> => {
    runs += 1;
    return { ...tallyOf(ok), skipped };
  };
  return { stage: { name: 'lint', run }, runs: () => runs };
}

async function runOnce(stage: Stage, sources: string | undefined): Promise<unknown> {
  const [once] = onceForSources([stage], join(folder, 'cache/held.json'), sources);
  return once?.run();
}

describe('onceForSources', () => {
  it('does not run again what held for the same sources, and says so', async () => {
    const { stage, runs } = counted();
    await runOnce(stage, 'a');
    expect(await runOnce(stage, 'a')).toMatchObject({ passed: 1, failed: 0, note: expect.stringContaining('held') });
    expect(runs()).toBe(1);
    expect(await runOnce(stage, 'b')).toEqual(tallyOf(true));
    // Only the last sources count.
    await runOnce(stage, 'a');
    expect(runs()).toBe(3);
  });

  it('runs again what skipped something, so that its reason is said again', async () => {
    const { stage, runs } = counted(true, 1);
    await runOnce(stage, 'a');
    expect(await runOnce(stage, 'a')).toMatchObject({ skipped: 1 });
    expect(runs()).toBe(2);
  });

  it('runs again what failed, and what nobody knows the sources of', async () => {
    const failing = counted(false);
    await runOnce(failing.stage, 'a');
    expect(await runOnce(failing.stage, 'a')).toMatchObject({ failed: 1 });
    expect(failing.runs()).toBe(2);
    const { stage, runs } = counted();
    await runOnce(stage, undefined);
    await runOnce(stage, undefined);
    expect(runs()).toBe(2);
  });

  it('runs everything if the file is damaged, and remembers stages that end at the same time', async () => {
    const { stage, runs } = counted();
    const file = join(folder, 'held.json');
    await writeFile(file, '{"lint":');
    const stages = onceForSources([stage, { name: 'types', run: async () => tallyOf(true) }], file, 'a');
    await Promise.all(stages.map(async ({ run }) => run()));
    expect(runs()).toBe(1);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ lint: 'a', types: 'a' });
  });
});

describe('digestOfSources', () => {
  it('changes with what is in a file, new ones included, and not with what git ignores', async () => {
    const write = async (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
    execFileSync('git', ['init', '--quiet'], { cwd: folder });
    await write('.gitignore', 'ignored\n');
    await write('a', '1');
    const first = await digestOfSources(folder);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    await write('ignored', 'x');
    expect(await digestOfSources(folder)).toBe(first);
    await write('a', '2');
    const second = await digestOfSources(folder);
    await write('b', '');
    const third = await digestOfSources(folder);
    await write('a', '1');
    await rm(join(folder, 'b'));
    expect(new Set([first, second, third]).size).toBe(3);
    expect(await digestOfSources(folder)).toBe(first);
  });

  it('is not known outside of a checkout', async () => {
    expect(await digestOfSources(join(folder, 'nothing'))).toBeUndefined();
  });
});
