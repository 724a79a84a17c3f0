export { HEALTH_CHANNEL, SCRUB_CHANNEL } from './scrub/channels.ts';
export type { HealthMessage, ScrubMessage } from './scrub/channels.ts';
export type { Metrics, MetricsOptions, OpenTelemetryOptions } from './metrics/metrics.ts';
export { Health } from './health.ts';
export type { HealthSettings } from './health.ts';
export { unopened } from './report/unopened.ts';
export type { PastScrub, RepairSource, ScrubFinding, ScrubOptions, ScrubReport, ScrubState } from './scrub/types.ts';
export { resolveThresholds } from './report/thresholds.ts';
export type { HealthThresholds } from './report/thresholds.ts';
export type {
  CheckStatus,
  HealthCheck,
  HealthContext,
  HealthOptions,
  HealthReport,
  HealthSource,
  HealthStatus,
} from './report/types.ts';
