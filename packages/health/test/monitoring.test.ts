import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { CALLS, INSTRUMENTS } from '../src/metrics/instruments.ts';
import { prometheusName } from '../src/metrics/prometheus.ts';

const FOLDER = join(import.meta.dirname, '../../../docs/monitoring');
const read = (file: string): string => readFileSync(join(FOLDER, file), 'utf8');

/** Every name that a scrape can hold. */
const NAMES = new Set([
  ...INSTRUMENTS.map(prometheusName),
  ...['_bucket', '_sum', '_count'].map((ending) => `${prometheusName(CALLS)}${ending}`),
]);
const LABELS = new Set([
  'securestore_backend_name',
  'securestore_backend_operation',
  'securestore_destination',
  'securestore_health_check',
  'securestore_health_state',
]);

function namesIn(text: string): string[] {
  return [...new Set(text.match(/\bsecurestore_\w+/g))].filter((name) => !LABELS.has(name)).toSorted();
}

/** The metrics of one check of an instance that is in the state `is`, as `promtool` reads them. */
function statesOf(instance: string, check: string, is: string): object[] {
  return ['ok', 'not-set-up', 'degraded', 'failing'].map((state) => ({
    series: `securestore_health_status{instance="${instance}",securestore_health_check="${check}",securestore_health_state="${state}"}`,
    values: `${Number(state === is)}x5`,
  }));
}

/** Runs `promtool`, which must find nothing wrong. */
function promtool(args: readonly string[], cwd: string, context: TestContext): void {
  const { error, status, stdout, stderr } = spawnSync('promtool', args, { cwd, encoding: 'utf8' });
  if (error !== undefined) context.skip('promtool is not installed (Debian: apt install prometheus)');
  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: expect.not.stringContaining('FAILED') });
}

describe('the alert rules and the dashboard', () => {
  it.each(['alerts.yml', 'alerts.test.yml', 'alerts-slow.test.yml', 'dashboard.json'])(
    '%s names nothing that is not measured',
    (file) => {
      const names = namesIn(read(file));
      expect(names.length).toBeGreaterThan(2);
      expect(names.filter((name) => !NAMES.has(name))).toEqual([]);
    },
  );

  it('show everything that is measured, between them', () => {
    const named = new Set([...namesIn(read('alerts.yml')), ...namesIn(read('dashboard.json'))]);
    expect([...NAMES].filter((name) => !named.has(name) && !name.endsWith('_sum'))).toEqual([]);
  });

  it('the rules tell of what is not there, too: a dead program, a scrub that never was, a backup that nobody verifies', () => {
    const rules = read('alerts.yml').replaceAll(/\n {10,}/g, ' ');
    for (const told of [
      /last_over_time\(securestore_health_time_seconds\[1d\]\)/,
      /absent\(securestore_health_time_seconds\)/,
      /unless securestore_scrub_age_seconds/,
      /securestore_backup_unverified_seconds >/,
    ]) {
      expect(rules).toMatch(told);
    }
  });

  it('a dashboard is what Grafana can read', () => {
    const { panels, templating } = JSON.parse(read('dashboard.json')) as {
      readonly panels: readonly { readonly id: number; readonly title: string; readonly targets: readonly object[] }[];
      readonly templating: { readonly list: readonly { readonly name: string }[] };
    };
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { title, targets } of panels) expect([title, targets.length > 0]).toEqual([title, true]);
    expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'job', 'instance']);
  });

  it('the panel of the health shows the worst of several instances, and never their sum', async (context) => {
    const { panels } = JSON.parse(read('dashboard.json')) as {
      readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
    };
    const shown = panels.find(({ title }) => title.startsWith('Health'))?.targets[0]?.expr ?? '';
    const folder = await mkdtemp(join(tmpdir(), 'securestore-monitoring-'));
    context.onTestFinished(() => rm(folder, { recursive: true }));
    const expr = shown.replaceAll(/"\$\w+"/g, '".*"');
    const tests = {
      evaluation_interval: '1m',
      tests: [
        {
          interval: '1m',
          input_series: [
            ...statesOf('a', 'keys', 'degraded'),
            ...statesOf('b', 'keys', 'degraded'),
            ...statesOf('a', 'scrub', 'failing'),
            ...statesOf('b', 'scrub', 'degraded'),
            ...statesOf('a', 'head', 'ok'),
            ...statesOf('b', 'head', 'ok'),
          ],
          promql_expr_test: [
            {
              expr,
              eval_time: '2m',
              exp_samples: [
                { labels: '{securestore_health_check="keys"}', value: 1 },
                { labels: '{securestore_health_check="scrub"}', value: 2 },
                { labels: '{securestore_health_check="head"}', value: 0 },
              ],
            },
          ],
        },
      ],
    };
    // JSON is YAML too.
    await writeFile(join(folder, 'panel.test.yml'), JSON.stringify(tests));
    promtool(['test', 'rules', 'panel.test.yml'], folder, context);
  });

  it.for([
    ['check', 'alerts.yml'],
    ['test', 'alerts.test.yml'],
    ['test', 'alerts-slow.test.yml'],
  ])('promtool %s rules finds nothing wrong with %s', ([verb = '', file = ''], context) => {
    promtool([verb, 'rules', file], FOLDER, context);
  });
});
