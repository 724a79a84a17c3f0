import type { MeterFigures } from '@securestore/backend-api';
import type { CheckStatus, HealthReport } from '../report/types.ts';

/** What a point is about, by the names of OpenTelemetry. */
export type Attributes = Readonly<Record<string, string>>;

/** One value of an instrument. */
export interface Point {
  readonly attributes: Attributes;
  readonly value: number;
}

/** Something that is measured, but for the histogram of calls. Names and units follow the semantic conventions of OpenTelemetry. */
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
  description: 'How long calls of the backend took, repeated attempts and waiting for a turn included.',
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

/** Everything that is measured, but for {@link CALLS}. */
export const INSTRUMENTS: readonly Instrument[] = [
  {
    name: 'securestore.backend.io',
    unit: 'By',
    kind: 'counter',
    description: 'Bytes of the bodies that were sent to the backend and received from it.',
    points: ({ backend, figures }) => [
      { attributes: { [BACKEND]: backend, 'network.io.direction': 'transmit' }, value: figures.sentBytes },
      { attributes: { [BACKEND]: backend, 'network.io.direction': 'receive' }, value: figures.receivedBytes },
    ],
  },
  {
    name: 'securestore.backend.retries',
    unit: '{retry}',
    kind: 'counter',
    description: 'Attempts of calls of the backend that were repeated, by the error of the one before.',
    points: ({ backend, figures }) =>
      [...figures.retries].map(([code, value]) => ({ attributes: { [BACKEND]: backend, [ERROR]: code }, value })),
  },
  {
    name: 'securestore.health.status',
    unit: '1',
    kind: 'updown',
    description: '1 for the state that each check of the health of the store is in, 0 for the others.',
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
    description: 'How long it took to look at the health of the store.',
    points: ({ report }) => (report === undefined ? [] : [{ attributes: {}, value: report.took * MILLISECONDS }]),
  },
  {
    name: 'securestore.health.time',
    unit: 's',
    kind: 'gauge',
    description: 'When the health of the store was looked at last, in seconds since 1970.',
    points: ({ report }) =>
      report === undefined ? [] : [{ attributes: {}, value: report.time.getTime() * MILLISECONDS }],
  },
  measured('backend.capacity.free', 'By', ['capacity', 'free'], 'Room that is left at the backend, where it tells.'),
  measured('backend.capacity.limit', 'By', ['capacity', 'total'], 'All room at the backend, where it tells.'),
  measured('clock.skew', 's', ['clock', 'skew'], 'How far the clocks of this machine and the backend are apart.'),
  measured('head.generation', '{generation}', ['head', 'generation'], 'How often the head of the store was changed.'),
  measured('key.age', 's', ['keys', 'age'], 'Age of the oldest key that new objects are sealed with.'),
  measured('key.versions', '{version}', ['keys', 'versions'], 'Versions of keys that the store has.'),
  measured('scrub.age', 's', ['scrub', 'age'], 'How long ago everything had been scrubbed.'),
  measured('scrub.findings', '{finding}', ['scrub', 'findings'], 'What a scrub found and nobody has repaired.'),
  measured('backup.age', 's', ['backup', 'age'], 'Age of the last good backup.'),
  measured('backup.lag', 's', ['backup', 'lag'], 'How far a continuous backup is behind.'),
  measured('backup.unverified', 's', ['backup', 'unverified'], 'How long ago all of the backup was verified.'),
  measured('backup.drill.age', 's', ['backup', 'drillAge'], 'How long ago restoring was last tried by a drill.'),
  measured('audit.findings', '{finding}', ['audit', 'findings'], 'What is wrong with the audit log.'),
  measured('audit.lost', '{entry}', ['audit', 'lost'], 'Entries that a sink of the audit log will never get.'),
];
