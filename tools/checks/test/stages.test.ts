import { describe, expect, it } from 'vitest';
import { closingLine, runStages, tallyOf } from '../src/stages.ts';
import type { Surroundings } from '../src/stages.ts';

function recorder(): Surroundings & { readonly lines: string[] } {
  const lines: string[] = [];
  let time = 0;
  return { lines, log: (line) => lines.push(line), now: () => (time += 1500) };
}

describe('runStages', () => {
  it('announces each stage with its time and adds the tallies', async () => {
    const surroundings = recorder();
    const tally = await runStages(
      [
        { name: 'lint', run: () => Promise.resolve(tallyOf(true)) },
        { name: 'tests', run: () => Promise.resolve({ passed: 40, failed: 0, skipped: 2 }) },
      ],
      surroundings,
    );
    expect(closingLine(tally)).toBe('41 passed, 0 failed, 2 skipped');
    expect(surroundings.lines).toContain('── lint: ok (1.5 s)');
  });

  it('goes on after a stage that failed or broke, and names them at the end', async () => {
    const surroundings = recorder();
    const tally = await runStages(
      [
        { name: 'lint', run: () => Promise.resolve(tallyOf(false)) },
        { name: 'packages', run: () => Promise.reject(new Error('npm is gone')) },
        { name: 'tests', run: () => Promise.resolve({ passed: 3, failed: 1, skipped: 0 }) },
      ],
      surroundings,
    );
    expect(closingLine(tally)).toBe('3 passed, 3 failed, 0 skipped');
    expect(surroundings.lines.join('\n')).toContain('npm is gone');
    expect(surroundings.lines.at(-1)).toBe('\nFailed: lint, packages, tests.\n');
  });
});
