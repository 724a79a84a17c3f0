export { Health } from './health.ts';
export type { HealthSettings } from './health.ts';
export type { PastScrub, RepairSource, ScrubFinding, ScrubOptions, ScrubReport, ScrubState } from './scrub/types.ts';
export type { HealthThresholds } from './thresholds.ts';
export type { HealthCheck, HealthContext, HealthOptions, HealthReport, HealthSource, HealthStatus } from './types.ts';
