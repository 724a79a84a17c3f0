import type { MeterFigures } from '@securestore/backend-api';
import type { CheckStatus, HealthReport } from '../report/types.ts';

/** What a point is about, by the names of OpenTelemetry. */
export type Attributes = Readonly<Record<string, string>>;

/** One value of an instrument. */
export interface Point {
  readonly attributes: Attributes;
  readonly value: number;
}

/** Something that is measured, except the histogram of calls. Names and units follow the semantic conventions of OpenTelemetry. */
export interface Instrument {
  readonly name: string;
  /** Of UCUM; `{...}` says what is counted. */
  readonly unit: string;
  /** `counter` only grows; `updown` can be added up, and `gauge` can't. */
  readonly kind: 'counter' | 'updown' | 'gauge';
  readonly description: string;
  readonly points: (source: Source) => readonly Point[];
}

/** Where the values come from. */
export interface Source {
  /** The backend's own name. */
  readonly backend: string;
  readonly figures: MeterFigures;
  readonly report: HealthReport | undefined;
}

/** The histogram of calls of the backend. */
export const CALLS: Omit<Instrument, 'kind' | 'points'> = {
  name: 'securestore.backend.operation.duration',
  unit: 's',
  description: 'Duration of calls of the backend, with repeated attempts and the wait for a turn.',
};

export const BACKEND = 'securestore.backend.name';
export const OPERATION = 'securestore.backend.operation';
export const ERROR = 'error.type';

const STATUSES: readonly CheckStatus[] = ['ok', 'not-set-up', 'degraded', 'failing'];
const MILLISECONDS = 1 / 1000;

/** A gauge of something that a check of the last report has measured. */
function measured(
  name: string,
  unit: string,
  [check, figure]: readonly [check: string, figure: string],
  description: string,
): Instrument {
  const scale = unit === 's' ? MILLISECONDS : 1;
  return {
    name: `securestore.${name}`,
    unit,
    kind: 'gauge',
    description,
    points: ({ report }) =>
      (report?.checks ?? []).flatMap((one) => {
        const value = one.name === check ? one.figures?.[figure] : undefined;
        if (value === undefined) return [];
        const attributes: Attributes = one.subject === undefined ? {} : { 'securestore.destination': one.subject };
        return [{ attributes, value: value * scale }];
      }),
  };
}

/** Everything that is measured, except {@link CALLS}. */
export const INSTRUMENTS: readonly Instrument[] = [
  {
    name: 'securestore.backend.io',
    unit: 'By',
    kind: 'counter',
    description: 'Bytes of bodies sent to the backend and received from it.',
    points: ({ backend, figures }) => [
      { attributes: { [BACKEND]: backend, 'network.io.direction': 'transmit' }, value: figures.sentBytes },
      { attributes: { [BACKEND]: backend, 'network.io.direction': 'receive' }, value: figures.receivedBytes },
    ],
  },
  {
    name: 'securestore.backend.retries',
    unit: '{retry}',
    kind: 'counter',
    description: 'Repeated attempts of calls of the backend, by the error of the attempt before.',
    points: ({ backend, figures }) =>
      [...figures.retries].map(([code, value]) => ({ attributes: { [BACKEND]: backend, [ERROR]: code }, value })),
  },
  {
    name: 'securestore.health.status',
    unit: '1',
    kind: 'updown',
    description: '1 for the present state of each health check, 0 for its other states.',
    points: ({ report }) =>
      (report?.checks ?? []).flatMap(({ name, subject, status }) =>
        STATUSES.map((state) => ({
          attributes: {
            'securestore.health.check': name,
            'securestore.health.state': state,
            ...(subject !== undefined && { 'securestore.destination': subject }),
          },
          value: state === status ? 1 : 0,
        })),
      ),
  },
  {
    name: 'securestore.health.duration',
    unit: 's',
    kind: 'gauge',
    description: 'Duration of the last health check of the store.',
    points: ({ report }) => (report === undefined ? [] : [{ attributes: {}, value: report.took * MILLISECONDS }]),
  },
  {
    name: 'securestore.health.time',
    unit: 's',
    kind: 'gauge',
    description: 'Time of the last health check of the store, in seconds since 1970.',
    points: ({ report }) =>
      report === undefined ? [] : [{ attributes: {}, value: report.time.getTime() * MILLISECONDS }],
  },
  measured(
    'backend.capacity.free',
    'By',
    ['capacity', 'free'],
    'Free space at the backend, if the backend reports it.',
  ),
  measured(
    'backend.capacity.limit',
    'By',
    ['capacity', 'total'],
    'Total space at the backend, if the backend reports it.',
  ),
  measured('clock.skew', 's', ['clock', 'skew'], 'Difference between the clocks of this machine and of the backend.'),
  measured(
    'head.generation',
    '{generation}',
    ['head', 'generation'],
    'Number of changes of the manifest of the store.',
  ),
  measured('key.age', 's', ['keys', 'age'], 'Age of the oldest encryption key that encrypts new objects.'),
  measured('key.versions', '{version}', ['keys', 'versions'], 'Key versions of the store.'),
  measured('scrub.age', 's', ['scrub', 'age'], 'Time since the last complete scrub.'),
  measured('scrub.findings', '{finding}', ['scrub', 'findings'], 'Findings of scrubs that are not repaired.'),
  measured('backup.age', 's', ['backup', 'age'], 'Age of the last good backup.'),
  measured('backup.lag', 's', ['backup', 'lag'], 'Lag of a continuous backup behind the store.'),
  measured(
    'backup.unverified',
    's',
    ['backup', 'unverified'],
    'The age of the oldest verification among the parts of the backup.',
  ),
  measured('backup.drill.age', 's', ['backup', 'drillAge'], 'Time since the last drill that succeeded.'),
  measured('audit.findings', '{finding}', ['audit', 'findings'], 'Findings of the last check of the audit log.'),
  measured('audit.lost', '{entry}', ['audit', 'lost'], 'Entries of the audit log that a sink will never get.'),
];
