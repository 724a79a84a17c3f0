import { describe, expect, it } from 'vitest';
import { failedTests, skippedTests, tallyReport } from '../src/unit-tests.ts';

const test = (status: string): { fullName: string; status: string } => ({ fullName: status, status });

describe('tallyReport', () => {
  it('counts what ran, and everything else as skipped', () => {
    const assertionResults = ['passed', 'passed', 'failed', 'pending', 'todo'].map(test);
    const report = { testResults: [{ name: 'a.test.ts', status: 'failed', assertionResults }] };
    expect(tallyReport(report)).toEqual({ passed: 2, failed: 1, skipped: 2 });
  });

  it('counts a file that could not be loaded as a failure', () => {
    const report = { testResults: [{ name: 'a.test.ts', status: 'failed', assertionResults: [] }] };
    expect(tallyReport(report)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});

describe('failedTests', () => {
  it('names the file, the test and the first lines of the reason', () => {
    const failureMessages = [Array.from({ length: 100 }, (_, line) => `line ${line}`).join('\n')];
    const assertionResults = [test('passed'), { fullName: 'counts', status: 'failed', failureMessages }];
    const report = { testResults: [{ name: '/checkout/a.test.ts', status: 'failed', assertionResults }] };
    const [first, ...others] = failedTests(report, '/checkout');
    expect(others).toEqual([]);
    expect(first).toMatch(/^failed: a\.test\.ts: counts\n {2}line 0\n {2}line 1\n/);
    expect(first).not.toContain('line 50');
  });

  it('says why a file could not be loaded', () => {
    const report = {
      testResults: [{ name: '/checkout/a.test.ts', status: 'failed', message: 'no such module', assertionResults: [] }],
    };
    expect(failedTests(report, '/checkout')).toEqual(['failed: a.test.ts\n  no such module']);
  });
});

describe('skippedTests', () => {
  it('names a few of each reason, and counts the others', () => {
    const names = [...Array.from({ length: 10 }, (_, i) => `pair ${i} (only npm run torture)`), 'b (not as root)'];
    const assertionResults = names.map((fullName) => ({ fullName, status: 'skipped' }));
    const lines = skippedTests({ testResults: [{ name: 'a.test.ts', status: 'passed', assertionResults }] });
    expect(lines).toHaveLength(6);
    expect(lines).toContain('skipped: 6 more for the same reason');
    expect(lines.at(-1)).toBe('skipped: b (not as root)');
  });
});
