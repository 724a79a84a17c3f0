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

  it.each([undefined, 0, 80, 60])('fits a terminal of %s columns, and says below what was cut', (columns) => {
    const lines = healthLines(report, stream(true, columns));
    const table = lines.slice(0, 5).map((line) => line.replaceAll(/\u001b\[\d+m/g, ''));
    for (const line of table) expect(Array.from(line).length).toBeLessThanOrEqual(columns || 80);
    expect(table[1]).toMatch(/^✗ failing +backup s3:\/\/bucket\/deep\S*… {2}the last good.*…$/u);
    expect(table[3]).toMatch(/^✓ ok /u);
    expect(lines.find((line) => line.startsWith('  backup s3:'))).toContain(`${LONG_REASON}: mend backup`);
  });

  it('escapes what a server says', () => {
    const [, line = ''] = healthLines({ ...report, checks: [check('x\u001b', 'ok', 'y\u0007')] }, stream(false));
    expect(line).toContain('x\\u{1b}');
    expect(line).toContain('y\\u{07}');
  });
});
