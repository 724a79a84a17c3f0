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
} from './contract/checks.ts';
export type { CheckedBackend } from './contract/checks.ts';
export { CONTRACT_VERSION } from './contract/contract.ts';
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
} from './contract/contract.ts';
export { defineBackend } from './contract/define.ts';
export { diskCapacity } from './contract/disk.ts';
export { nestingOf } from './contract/nesting.ts';
export type { Nesting } from './contract/nesting.ts';
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
  storeUrlError,
  optionError,
  timeoutError,
} from './contract/errors.ts';
export type { CallSite, Failure } from './contract/errors.ts';
export { fileSystemTime, LocalClock, MAX_CLOCK_DIFFERENCE } from './contract/local-clock.ts';
export type { LocalClockSettings } from './contract/local-clock.ts';
export { isScheme, isServed, parseStoreUrl, redactStoreUrl } from './contract/location.ts';
export type { StoreUrl } from './contract/location.ts';
export { flag, oneOf, parseOptions, text, wholeNumber } from './contract/options.ts';
export type { OptionParser } from './contract/options.ts';
export { MIN_MAX_BODY_BYTES, assertStorable } from './contract/storable.ts';
export { createCallCounter } from './layers/counting.ts';
export type { CallCounter } from './layers/counting.ts';
export { createFaultInjector } from './layers/faults.ts';
export type { Fault, FaultInjector, FaultPlan, NumberedCall } from './layers/faults.ts';
export { forwardTo } from './layers/forward.ts';
export type { Overrides } from './layers/forward.ts';
export { composeLayers, intercept } from './layers/intercept.ts';
export type { Around, BackendCall, BackendOperation, Layer } from './layers/intercept.ts';
export { limitLayer } from './layers/limit.ts';
export { createMeter, DURATION_BOUNDS, figuresSince } from './layers/metering.ts';
export type { CallFigures, Meter, MeteredCall, MeterFigures, RecentCalls } from './layers/metering.ts';
export { retryLayer } from './layers/retry.ts';
export type { RetryOptions } from './layers/retry.ts';
export type { Sleep } from './layers/sleep.ts';
export { timeoutLayer } from './layers/timeout.ts';
export type { TimeoutOptions } from './layers/timeout.ts';
export { BACKEND_CHANNEL, tracingLayer } from './layers/tracing.ts';
export type { BackendTrace } from './layers/tracing.ts';
export { similarTo } from './discovery/similar.ts';
