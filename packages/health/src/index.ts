export { Health } from './health.ts';
export type { HealthSettings } from './health.ts';
export type { HealthThresholds } from './thresholds.ts';
export type { HealthCheck, HealthContext, HealthOptions, HealthReport, HealthSource, HealthStatus } from './types.ts';
