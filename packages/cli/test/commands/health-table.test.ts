import { PassThrough } from 'node:stream';
import type { HealthCheck, HealthReport } from 'securestore';
import { describe, expect, it } from 'vitest';
import { healthLines } from '../../src/commands/health-table.ts';

const check = (name: string, status: HealthCheck['status'], reason: string, more = {}): HealthCheck => ({
  name,
  status,
  reason,
  advice: status === 'ok' || status === 'not-set-up' ? '' : `mend ${name}`,
  ...more,
});

const LONG_REASON = `the last good backup is 2 d old ${'and older '.repeat(10)}`.trim();
const report: HealthReport = {
  status: 'failing',
  time: new Date(0),
  took: 1,
  checks: [
    check('backend', 'ok', 'it takes what it is given'),
    check('audit', 'not-set-up', 'the store is not audited'),
    check('keys', 'degraded', 'new ones are due'),
    check('backup', 'failing', LONG_REASON, { subject: `s3://bucket/${'deep/'.repeat(10)}` }),
  ],
};

const stream = (isTTY: boolean, columns?: number): PassThrough => Object.assign(new PassThrough(), { isTTY, columns });

describe('a report of health in lines', () => {
  it('has the worst first and whole reasons if it is for a program', () => {
    const lines = healthLines(report, stream(false));
    expect(lines.map((line) => line.split(/ {2,}/)[0])).toEqual([
      'STATUS',
      'failing',
      'degraded',
      'ok',
      'not set up',
      '',
      'What to do:',
      '',
      '',
      '',
      'the store is failing: 1 failing, 1 degraded, 1 ok, 1 not set up',
    ]);
    expect(lines[1]).toContain(LONG_REASON);
    expect(lines).toContain('  keys: mend keys');
    expect(lines.join('\n')).not.toMatch(/[✓✗…\u001b]/u);
  });

  it.each([undefined, 0, 80, 60])('is wrapped to a terminal of %s columns, and cuts nothing', (columns) => {
    const lines = healthLines(report, stream(true, columns)).map((line) => line.replaceAll(/\u001b\[\d+m/g, ''));
    const width = columns || 80;
    // A word is whole below the table, so that it can be copied.
    for (const line of lines.filter((one) => /\S +\S/.test(one)))
      expect(Array.from(line).length).toBeLessThanOrEqual(width);
    expect(lines[1]).toMatch(/^✗ failing +backup(?: \S+)? +the last good/u);
    expect(lines.some((line) => /^✓ ok +backend/u.test(line))).toBe(true);
    const table = lines.slice(0, lines.indexOf(''));
    expect(table.join('')).not.toContain('…');
    const start = (lines[0] ?? '').indexOf('REASON');
    const reasons = table.map((line) => line.slice(start)).join(' ');
    expect(reasons.replaceAll(/\s+/g, ' ')).toContain(LONG_REASON);
    const names = table.map((line) => line.slice((lines[0] ?? '').indexOf('CHECK'), start).trim()).join('');
    expect(names).toContain(`s3://bucket/${'deep/'.repeat(10)}`);
    expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toContain('deep/: mend backup');
  });

  it('escapes what a server says', () => {
    const [, line = ''] = healthLines({ ...report, checks: [check('x\u001b', 'ok', 'y\u0007')] }, stream(false));
    expect(line).toContain('x\\u{1b}');
    expect(line).toContain('y\\u{07}');
  });
});
