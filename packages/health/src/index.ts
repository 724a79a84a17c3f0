export { HEALTH_CHANNEL, SCRUB_CHANNEL } from './channels.ts';
export type { HealthMessage, ScrubMessage } from './channels.ts';
export type { Metrics, MetricsOptions, OpenTelemetryOptions } from './metrics/metrics.ts';
export { Health } from './health.ts';
export type { HealthSettings } from './health.ts';
export { unopened } from './unopened.ts';
export type { PastScrub, RepairSource, ScrubFinding, ScrubOptions, ScrubReport, ScrubState } from './scrub/types.ts';
export { resolveThresholds } from './thresholds.ts';
export type { HealthThresholds } from './thresholds.ts';
export type {
  CheckStatus,
  HealthCheck,
  HealthContext,
  HealthOptions,
  HealthReport,
  HealthSource,
  HealthStatus,
} from './types.ts';
