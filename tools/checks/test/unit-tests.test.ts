import { describe, expect, it } from 'vitest';
import { tallyReport } from '../src/unit-tests.ts';

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
