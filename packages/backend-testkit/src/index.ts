export { describeBackend } from './describe-backend.ts';
export type { TestRunner } from './describe-backend.ts';
export { formatReport, runConformance } from './run-conformance.ts';
export type { ConformanceReport, ConformanceResult } from './run-conformance.ts';
export type { BackendFixture, ConformanceOptions } from './support/types.ts';
export type { FaultyBackend } from './faulty/faulty-backend.ts';
export { FAULTY_BACKENDS } from './faulty/faulty-backends.ts';
