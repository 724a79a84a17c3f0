export {
  MAX_BACKEND_KEY_BYTES,
  MAX_KEY_COMPONENT_BYTES,
  checkBatch,
  checkDelete,
  checkDeleteMany,
  checkList,
  checkRead,
  checkStoredSize,
  checkWrite,
  isBackendKey,
  isBackendKeyPrefix,
  resolveRange,
} from './checks.ts';
export type { CheckedBackend } from './checks.ts';
export { CONTRACT_VERSION } from './contract.ts';
export type {
  BackendCapabilities,
  BackendCapacity,
  BackendConfig,
  BackendDefinition,
  BackendLogger,
  BatchOperation,
  DeleteOptions,
  ListEntry,
  ListOptions,
  ListResult,
  ReadOptions,
  ReadResult,
  StorageBackend,
  WriteOptions,
  WriteResult,
} from './contract.ts';
export { defineBackend } from './define.ts';
export { diskCapacity } from './disk.ts';
export { nestingOf } from './nesting.ts';
export type { Nesting } from './nesting.ts';
export { OFFICIAL_BACKENDS } from './discovery/official-backends.ts';
export type { ApprovePackage, FoundPackage } from './discovery/application-packages.ts';
export { loadOwnPackage, packagesOfApplication, resolveBackend } from './discovery/resolve-backend.ts';
export type { ResolveOptions } from './discovery/resolve-backend.ts';
export {
  abortedError,
  checkParameters,
  checkSignal,
  closedError,
  conflictError,
  damagedError,
  failedError,
  layoutError,
  locationError,
  optionError,
  timeoutError,
} from './errors.ts';
export type { CallSite, Failure } from './errors.ts';
export { fileSystemTime, LocalClock, MAX_CLOCK_DIFFERENCE } from './local-clock.ts';
export type { LocalClockSettings } from './local-clock.ts';
export { isScheme, isServed, parseLocation, redactLocation } from './location.ts';
export type { Location } from './location.ts';
export { flag, oneOf, parseOptions, text, wholeNumber } from './options.ts';
export type { OptionParser } from './options.ts';
export { MIN_MAX_BODY_BYTES, assertStorable } from './storable.ts';
export { createCallCounter } from './layers/counting.ts';
export type { CallCounter } from './layers/counting.ts';
export { createFaultInjector } from './layers/faults.ts';
export type { Fault, FaultInjector, FaultPlan, NumberedCall } from './layers/faults.ts';
export { forwardTo } from './layers/forward.ts';
export type { Overrides } from './layers/forward.ts';
export { composeLayers, intercept } from './layers/intercept.ts';
export type { Around, BackendCall, BackendOperation, Layer } from './layers/intercept.ts';
export { limitLayer } from './layers/limit.ts';
export { createMeter, DURATION_BOUNDS } from './layers/metering.ts';
export type { CallFigures, Meter, MeteredCall, MeterFigures, RecentCalls } from './layers/metering.ts';
export { retryLayer } from './layers/retry.ts';
export type { RetryOptions } from './layers/retry.ts';
export type { Sleep } from './layers/sleep.ts';
export { timeoutLayer } from './layers/timeout.ts';
export type { TimeoutOptions } from './layers/timeout.ts';
export { BACKEND_CHANNEL, tracingLayer } from './layers/tracing.ts';
export type { BackendTrace } from './layers/tracing.ts';
