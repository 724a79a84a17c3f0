import { CALLS, INSTRUMENTS } from '../../../../packages/health/src/metrics/instruments.ts';
import type { Instrument, Source } from '../../../../packages/health/src/metrics/instruments.ts';
import { BACKEND, ERROR, OPERATION } from '../../../../packages/health/src/metrics/instruments.ts';
import { prometheusName } from '../../../../packages/health/src/metrics/prometheus.ts';
import { DURATION_BOUNDS } from '@securestore/backend-api';
import type { HealthCheck } from '@securestore/health';
import { REFUSALS } from '../../../../packages/server/src/limits/connections.ts';
import { BOUNDS, REQUEST_METRICS } from '../../../../packages/server/src/limits/request-figures.ts';
import { code, codes, list, page, section, table } from '../text/markdown.ts';

/** The checks that have figures. Only a check of one destination has a subject. */
const CHECKS = ['capacity', 'clock', 'head', 'keys', 'scrub', 'backup', 'audit'] as const;

/** A figure of every name. */
const figures: Readonly<Record<string, number>> = new Proxy<Record<string, number>>({}, { get: () => 1 });

/** A state of a store in which every instrument has a value. */
const SAMPLE: Source = {
  backend: 'sample',
  figures: { calls: [], sentBytes: 1, receivedBytes: 1, retries: new Map([['UNAVAILABLE', 1]]) },
  report: {
    status: 'ok',
    time: new Date(0),
    took: 1,
    checks: CHECKS.map((name): HealthCheck => ({
      name,
      status: 'ok',
      reason: '',
      advice: '',
      figures,
      ...(name === 'backup' && { subject: 'memory:sample' }),
    })),
  },
};

/** The attributes that the values of an instrument have. @throws if it has no value, so that an attribute may be missing */
function attributesOf(instrument: Instrument): string[] {
  const points = instrument.points(SAMPLE);
  if (points.length === 0) throw new Error(`${instrument.name} has no value for the sample`);
  return [...new Set(points.flatMap(({ attributes }) => Object.keys(attributes)))];
}

const KINDS: Readonly<Record<Instrument['kind'], string>> = {
  counter: 'counter',
  updown: 'up-down counter',
  gauge: 'gauge',
};

function metricSection(name: string, prometheus: string, facts: readonly string[], description: string): string {
  return section(3, code(name), description, list([`Prometheus: ${code(prometheus)}`, ...facts]));
}

const attributesLine = (attributes: readonly string[]): string =>
  attributes.length === 0 ? 'no attributes' : `attributes ${codes(attributes)}`;

const seconds = (bounds: readonly number[]): string => bounds.join(', ');

/** The page about metrics. */
export function metricsPage(): string {
  return page(
    'Metrics',
    'Every metric of an open store and of a server, for people who build dashboards and alerts. [Health](../run/health/metrics.md) says how to export them.',
    [
      section(
        2,
        'Names',
        'Names and units follow the semantic conventions of OpenTelemetry. For Prometheus, dots become underscores, and the unit and `_total` are appended. Attributes become labels in the same way.',
        'Values of the health checks are from the last check, which is at most a minute old by default. A metric has no value while its check has not measured it.',
        table(
          ['Attribute', 'Value'],
          [
            [code(BACKEND), 'the name of the backend'],
            [code(OPERATION), 'the call of the backend, such as `get`'],
            [code(ERROR), 'the [error code](../errors.md); absent if the call succeeded'],
            [code('network.io.direction'), '`transmit` or `receive`'],
            [code('securestore.health.check'), 'the name of the health check'],
            [code('securestore.health.state'), '`ok`, `not-set-up`, `degraded` or `failing`'],
            [code('securestore.destination'), 'the store URL of a destination'],
          ],
        ),
      ),
      section(
        2,
        'Metrics of a store',
        metricSection(
          CALLS.name,
          prometheusName(CALLS),
          [
            `histogram in seconds, attributes ${codes([BACKEND, OPERATION, ERROR])}`,
            `buckets: ${seconds(DURATION_BOUNDS)}`,
          ],
          `${CALLS.description} \`CONFLICT\` as \`${ERROR}\` only means that another writer was first.`,
        ),
        ...INSTRUMENTS.map((instrument) => {
          const { name, unit, kind, description } = instrument;
          const facts = `${KINDS[kind]}, unit ${code(unit)}, ${attributesLine(attributesOf(instrument))}`;
          return metricSection(name, prometheusName(instrument), [facts], description);
        }),
      ),
      section(
        2,
        'Metrics of a server',
        'A server reports them at `GET /metrics` after those of its store. They are for Prometheus only.',
        ...Object.values(REQUEST_METRICS).map(({ name, type, labels, description }) =>
          section(
            3,
            code(name),
            description,
            list([
              `${type}, ${labels.length === 0 ? 'no labels' : `labels ${codes(labels)}`}`,
              ...(labels.includes('reason') ? [`${code('reason')} is one of ${codes(REFUSALS)}`] : []),
              ...(labels.includes('route')
                ? [`${code('route')} is the method and path of a [route](http-api.md), without keys of objects`]
                : []),
              ...(type === 'histogram' ? [`buckets: ${seconds(BOUNDS)}`] : []),
            ]),
          ),
        ),
        section(3, 'Reasons of refused connections', table(['Reason', 'Meaning'], REASONS)),
      ),
    ],
  );
}

const MEANINGS: Readonly<Record<(typeof REFUSALS)[number], string>> = {
  address: 'the address has as many connections as `connectionsPerAddress` allows',
  connections: 'the server has as many connections as `connections` allows',
  headers: 'the headers are longer than `headerBytes`',
  malformed: 'what was sent is not HTTP',
  timeout: 'the headers were not complete within `headersTimeout`',
  tls: 'the TLS handshake failed',
};

const REASONS: readonly (readonly string[])[] = REFUSALS.map((reason) => [code(reason), MEANINGS[reason]]);
