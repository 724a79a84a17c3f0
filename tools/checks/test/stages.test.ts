import { describe, expect, it } from 'vitest';
import { closingLine, runStages, tallyOf } from '../src/stages.ts';
import type { Stage, Surroundings } from '../src/stages.ts';

function recorder(): Surroundings & { readonly lines: string[] } {
  const lines: string[] = [];
  let time = 0;
  return { lines, log: (line) => lines.push(line), now: () => (time += 1500) };
}

describe('runStages', () => {
  it('has a line for each stage with its time and counts, and adds the tallies', async () => {
    const surroundings = recorder();
    const tally = await runStages(
      [
        { name: 'lint', run: () => Promise.resolve(tallyOf(true)) },
        { name: 'tests', run: () => Promise.resolve({ passed: 40, failed: 0, skipped: 2 }) },
      ],
      surroundings,
    );
    expect(closingLine(tally)).toBe('41 passed, 0 failed, 2 skipped');
    expect(surroundings.lines).toEqual([
      '✓ lint      1.5 s',
      '✓ tests     1.5 s   40 passed, 2 skipped',
      '\nAll checks passed, in 7.5 s.',
    ]);
  });

  it('continues after a stage that failed or threw, and names them at the end', async () => {
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
    expect(surroundings.lines.at(-1)).toMatch(/^\nFailed: lint, packages, tests, in /);
  });

  it('begins a stage with another one, and reports it in its turn', async () => {
    const surroundings = recorder();
    const begun: string[] = [];
    const stage = (name: string, beginsWith?: string): Stage => ({
      name,
      ...(beginsWith !== undefined && { beginsWith }),
      run: () => {
        begun.push(name);
        return Promise.resolve(tallyOf(true));
      },
    });
    await runStages([stage('build'), stage('types'), stage('servers', 'build'), stage('tests')], surroundings);
    expect(begun).toEqual(['servers', 'build', 'types', 'tests']);
    expect(surroundings.lines.map((line) => /^✓ (\w+)/.exec(line)?.[1]).slice(0, 4)).toEqual([
      'build',
      'types',
      'servers',
      'tests',
    ]);
  });
});
