/** What the surface of a store asks of its arguments, for those who offer it over something else than a backend. */
export { abortable } from './util/abort.ts';
export { callSignal, checkOptions, inCall, inContext } from './api/call-boundary.ts';
export { NO_OPTIONS, OPERATIONS } from './api/operations.ts';
export type { Operation } from './api/operations.ts';
export { retrieveMany, storeMany } from './api/bulk.ts';
export { mapConcurrently } from './util/map-concurrently.ts';
export { checkPrefix, sortNames } from './api/prefix.ts';
export { encodeMetadata, parseTime } from './api/metadata.ts';
export { parseCondition } from './api/write-condition.ts';
export type { Condition } from './api/write-condition.ts';
export { payloadOf } from './api/payload-source.ts';
export type { Payload } from './api/payload-source.ts';
export { checkRange, parseRange } from './api/range.ts';
export { jsonOf, textOf } from './api/decode-data.ts';
