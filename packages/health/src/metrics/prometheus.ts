import type { CallFigures } from '@securestore/backend-api';
import { DURATION_BOUNDS } from '@securestore/backend-api';
import type { Attributes, Instrument, Source } from './instruments.ts';
import { BACKEND, CALLS, ERROR, INSTRUMENTS, OPERATION } from './instruments.ts';

/** The type of the content, for whoever answers a scrape. */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** What OpenTelemetry makes of units in names for Prometheus; those in braces are left out. */
const UNITS: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' };

const sanitized = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_]/g, '_');

/** The name of an instrument for Prometheus, as the specification of OpenTelemetry translates it. */
export function prometheusName({ name, unit, kind }: Pick<Instrument, 'name' | 'unit'> & Partial<Instrument>): string {
  return `${sanitized(name)}${UNITS[unit] ?? ''}${kind === 'counter' ? '_total' : ''}`;
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

function labelsOf(attributes: Attributes): string {
  const labels = Object.entries(attributes).map(
    ([name, value]) => `${sanitized(name)}="${escaped(value).replaceAll('"', '\\"')}"`,
  );
  return labels.length === 0 ? '' : `{${labels.join(',')}}`;
}

function valueOf(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function headOf(name: string, type: string, description: string): string[] {
  return [`# HELP ${name} ${escaped(description)}`, `# TYPE ${name} ${type}`];
}

function linesOf(instrument: Instrument, source: Source, common: Attributes): string[] {
  const points = instrument.points(source);
  if (points.length === 0) return [];
  const name = prometheusName(instrument);
  const type = instrument.kind === 'counter' ? 'counter' : 'gauge';
  const values = points.map(
    ({ attributes, value }) => `${name}${labelsOf({ ...common, ...attributes })} ${valueOf(value)}`,
  );
  return [...headOf(name, type, instrument.description), ...values];
}

function histogramLines(
  name: string,
  { operation, code, count, seconds, buckets }: CallFigures,
  backend: string,
  common: Attributes,
): string[] {
  const attributes = {
    ...common,
    [BACKEND]: backend,
    [OPERATION]: operation,
    ...(code !== undefined && { [ERROR]: code }),
  };
  let below = 0;
  const bounds = DURATION_BOUNDS.map((bound, at) => {
    below += buckets[at] ?? 0;
    return `${name}_bucket${labelsOf({ ...attributes, le: String(bound) })} ${below}`;
  });
  return [
    ...bounds,
    `${name}_bucket${labelsOf({ ...attributes, le: '+Inf' })} ${count}`,
    `${name}_sum${labelsOf(attributes)} ${seconds}`,
    `${name}_count${labelsOf(attributes)} ${count}`,
  ];
}

/** Everything that is measured, in the text format of Prometheus. @param common what every line is about */
export function prometheusText(source: Source, common: Attributes): string {
  const name = prometheusName(CALLS);
  const { calls } = source.figures;
  const histogram =
    calls.length === 0
      ? []
      : [
          ...headOf(name, 'histogram', CALLS.description),
          ...calls.flatMap((figures) => histogramLines(name, figures, source.backend, common)),
        ];
  const lines = [...histogram, ...INSTRUMENTS.flatMap((instrument) => linesOf(instrument, source, common))];
  return `${lines.join('\n')}\n`;
}
