export * from './lazy.ts';
export { HEALTH_CHANNEL, SCRUB_CHANNEL } from './scrub/channels.ts';
export type { HealthMessage, ScrubMessage } from './scrub/channels.ts';
export type { Metrics, MetricsOptions, OpenTelemetryOptions } from './metrics/metrics.ts';
export type { HealthSettings } from './health.ts';
export type { PastScrub, RepairSource, ScrubFinding, ScrubOptions, ScrubReport, ScrubState } from './scrub/types.ts';
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
