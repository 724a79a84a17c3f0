import type { HealthReport, HealthStatus } from 'securestore';

/**
 * The checks without which nobody can use the store through this server. What is stored may be in danger for other reasons, such as a backup
 * that is behind or a damaged object: those are for people to look at, and taking the server out of use helps against none of them.
 */
const SERVING: ReadonlySet<string> = new Set(['open', 'backend', 'latency', 'errors', 'head', 'clock', 'capacity']);

/** What else decides whether the store can be used. */
export interface Readiness {
  /** Whether writes are refused, since they wait for a backup that does not go on. */
  readonly isShut: boolean;
  /** Whether what can't be recorded in the audit log is refused. */
  readonly isFailClosed: boolean;
}

/** How ready the store is to be used: `failing` if it can't be, and `degraded` for whatever else is wrong. */
export function readinessOf(
  { checks, status }: Pick<HealthReport, 'checks' | 'status'>,
  { isShut, isFailClosed }: Readiness,
): HealthStatus {
  const counts = (name: string): boolean => SERVING.has(name) || (isFailClosed && name === 'audit');
  if (isShut || checks.some((check) => check.status === 'failing' && counts(check.name))) return 'failing';
  return status === 'ok' ? 'ok' : 'degraded';
}
