/** What the surface of a store asks of its arguments, for those who offer it over something else than a backend. */
export { abortable } from './abortable.ts';
export { callSignal, checkOptions, inCall, inContext } from './call.ts';
export {
  CHANGE_OPTIONS,
  LISTING_OPTIONS,
  NO_OPTIONS,
  PURGE_OPTIONS,
  RANGE_OPTIONS,
  RESTORE_VERSION_OPTIONS,
  RETRIEVE_OPTIONS,
  STORE_OPTIONS,
} from './known-options.ts';
export { retrieveMany, storeMany } from './many.ts';
export { mapConcurrently } from './map-concurrently.ts';
export { checkPrefix, sortNames } from './names.ts';
export { encodeMetadata, parseTime } from './options.ts';
export { parseCondition } from './parse-condition.ts';
export type { Condition } from './parse-condition.ts';
export { payloadOf } from './payload.ts';
export type { Payload } from './payload.ts';
export { checkRange, parseRange } from './range.ts';
export { jsonOf, textOf } from './read-data.ts';
