import type { RecentCalls } from '@securestore/backend-api';
import type { ErrorCode } from '@securestore/core-format';
import type { HealthThresholds } from '../report/thresholds.ts';
import type { HealthCheck } from '../report/types.ts';
import { finding, fine, verdictOf } from '../report/verdict.ts';
import { percent, span } from '../report/words.ts';
import type { Measurement, Sample } from './measure.ts';

/** How far back the calls of the store itself are looked at, in milliseconds. */
export const WINDOW: number = 5 * 60 * 1000;

const NOT_MEASURED: readonly [string, string] = [
  'nothing could be measured, since the backend did not answer',
  'see the check "backend"',
];

/** The errors of some calls, the most frequent first. */
function byCode(codes: readonly ErrorCode[]): [ErrorCode, number][] {
  const counts = new Map<ErrorCode, number>();
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a);
}

/** What there was no time for says nothing. */
const counted = ({ samples }: Measurement): Sample[] => samples.filter(({ givenUp }) => givenUp !== 'too late');

const probes = (measurement: Measurement): Sample[] =>
  counted(measurement).filter(({ operation }) => operation !== 'head');

/** What keeps a store from being used whatever else goes well, the worst first. */
const FATAL: readonly ErrorCode[] = ['ACCESS_DENIED', 'UNAUTHENTICATED', 'NO_SPACE', 'INTEGRITY'];

/** Whether a probe can be written, read back and removed. */
export function judgeBackend(measurement: Measurement, backend: string): HealthCheck {
  const calls = probes(measurement);
  const codes = calls.flatMap(({ code }) => code ?? []);
  const [most] = byCode(codes);
  const details = { figures: { calls: calls.length, failed: codes.length } };
  if (measurement.readBack === 'other') {
    return finding('backend', 'failing', verdictOf('INTEGRITY'), details);
  }
  if (measurement.readBack === 'gone') {
    const reason = 'an object that was written just now could not be read: it was gone';
    const advice =
      'use a backend that returns what was written, and remove caches, proxies and replicas in front of it';
    return finding('backend', 'failing', [reason, advice], details);
  }
  const fatal = FATAL.find((code) => codes.includes(code));
  const writes = calls.filter(({ operation }) => operation === 'write');
  if (fatal !== undefined) return finding('backend', 'failing', verdictOf(fatal), details);
  if (codes.includes('READ_ONLY')) return finding('backend', 'degraded', verdictOf('READ_ONLY'), details);
  const isUseless = writes.every(({ code }) => code !== undefined) || measurement.readBack === 'unknown';
  if (isUseless) return finding('backend', 'failing', verdictOf(most?.[0] ?? 'TIMEOUT'), details);
  const what = `${backend} can write, read and remove`;
  // That some calls fail the check "errors" tells.
  return fine('backend', what, details);
}

/** Between the two nearest ranks, in proportion: so a single one of a few is no percentile. */
function percentile(sorted: readonly number[], share: number): number {
  const rank = (sorted.length - 1) * share;
  const [below = 0, above = below] = [sorted[Math.floor(rank)], sorted[Math.ceil(rank)]];
  return below + (above - below) * (rank - Math.floor(rank));
}

/** How long the backend takes for a small object. */
export function judgeLatency(
  measurement: Measurement,
  { slowAfter, failingAfter }: Required<HealthThresholds>,
): HealthCheck {
  const times = probes(measurement)
    .flatMap(({ took, code }) => (code === undefined ? [took] : []))
    .toSorted((a, b) => a - b);
  if (times.length === 0) return finding('latency', 'degraded', NOT_MEASURED);
  const [p50, p95, p99] = [percentile(times, 0.5), percentile(times, 0.95), percentile(times, 0.99)];
  const details = { figures: { p50, p95, p99, samples: times.length } };
  const what = `a call takes ${span(p50)}, and ${span(p95)} at the 95th percentile`;
  const slow = slowAfter ?? Infinity;
  // Whoever allows more says nothing of what is too much.
  const failing = Math.max(failingAfter ?? Infinity, slow);
  if (!(p95 > slow)) return fine('latency', what, details);
  const advice = 'see what else the backend and this program have to do, and how far away the backend is';
  const [status, limit] = p95 > failing ? (['failing', failing] as const) : (['degraded', slow] as const);
  return finding('latency', status, [`${what}: over ${span(limit)}`, advice], details);
}

function sum(counts: ReadonlyMap<ErrorCode, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

/** The calls of the probing alone, where nobody counts those of the store. */
function ofProbing(measurement: Measurement): RecentCalls {
  const samples = counted(measurement);
  const codes = byCode(samples.flatMap(({ code }) => code ?? []));
  return { calls: samples.length, failures: new Map(codes), retries: new Map() };
}

/** With what hangs: for who counts the calls that was no failure, since nobody waited any more. */
function withHanging(recent: RecentCalls, measurement: Measurement): RecentCalls {
  const count = counted(measurement).filter(({ givenUp }) => givenUp !== undefined).length;
  if (count === 0) return recent;
  const failures = new Map(recent.failures).set('TIMEOUT', (recent.failures.get('TIMEOUT') ?? 0) + count);
  return { ...recent, calls: Math.max(recent.calls, sum(failures)), failures };
}

/** The most frequent of some errors, in words. */
function listed(counts: ReadonlyMap<ErrorCode, number>): string {
  const most = [...counts].toSorted(([, a], [, b]) => b - a).slice(0, 3);
  return most.map(([code, count]) => `${count} × ${code}`).join(', ');
}

/** What to do about the most frequent of some errors. */
function adviceOn(counts: ReadonlyMap<ErrorCode, number>): string {
  const [most] = [...counts].toSorted(([, a], [, b]) => b - a);
  const code = most?.[0] ?? 'UNAVAILABLE';
  // Where others get through the server is there.
  return code === 'UNAVAILABLE' ? 'see the log of the backend, and the network on the way to it' : verdictOf(code)[1];
}

/** How many calls fail or have to be repeated, and whether the backend asks for less. */
export function judgeErrors(
  measurement: Measurement,
  recent: RecentCalls | undefined,
  { maxErrorRate, maxRetryRate }: Required<HealthThresholds>,
): HealthCheck {
  const probed = ofProbing(measurement);
  const isCounted = recent !== undefined && recent.calls >= probed.calls;
  const { calls, failures, retries } = isCounted ? withHanging(recent, measurement) : probed;
  const when = recent !== undefined && recent.calls > probed.calls ? ' of the last five minutes' : '';
  const [failed, repeated] = [sum(failures), sum(retries)];
  const throttled = (failures.get('THROTTLED') ?? 0) + (retries.get('THROTTLED') ?? 0);
  const details = { figures: { calls, failed, repeated, throttled } };
  if (calls === 0) return fine('errors', 'there was no call', details);
  const errorRate = failed / calls;
  if (errorRate > (maxErrorRate ?? Infinity)) {
    const what = `${failed} of ${calls} calls${when} failed (${listed(failures)})`;
    // What goes well again is not failing any more.
    const isFailing = errorRate >= 0.5 && probed.failures.size > 0;
    return finding('errors', isFailing ? 'failing' : 'degraded', [what, adviceOn(failures)], details);
  }
  if (repeated / calls > (maxRetryRate ?? Infinity)) {
    const what = `${repeated} attempts had to be repeated for ${calls} calls${when} (${listed(retries)})`;
    return finding('errors', 'degraded', [what, adviceOn(retries)], details);
  }
  const what = `${percent(errorRate)} of ${calls} calls${when} failed, ${repeated} were repeated`;
  return fine('errors', failed === 0 && repeated === 0 ? `all of ${calls} calls${when} succeeded` : what, details);
}
