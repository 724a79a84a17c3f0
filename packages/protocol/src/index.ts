export { CALLS_THAT_ASK } from './approval-calls.ts';
export { CONSOLE_HEADERS, CONSOLE_PATHS } from './console.ts';
export type {
  ConsoleSession,
  ConsoleSettings,
  Download,
  DownloadRequest,
  OidcStart,
  SignIn,
  WireBrowsePage,
  WireComparePage,
  WireFindPage,
  WireKeyTimeline,
  WireReceipts,
  WireRestoredAccess,
  WireRestoreReport,
  WireTimeline,
  WorkRecord,
} from './console.ts';
export { commandLine, shellCommand, shellWords } from './command-line.ts';
export type { Command, CommandRequest } from './command-line.ts';
export { withDates } from './dates.ts';
export { printablePieces, withoutUnprintable } from './printable.ts';
export type { Escaped } from './printable.ts';
export type { Wire } from './dates.ts';
export { encodeEvent, EVENTS_TYPE, KEEP_ALIVE, readEvents } from './events.ts';
export type { ServerEvent } from './events.ts';
export { encodeMessage, encodeStream, FrameReader } from './frames.ts';
export { Latest } from './latest.ts';
export {
  asciiJson,
  entityTagOf,
  FRAMED_TYPE,
  HEADERS,
  JSON_TYPE,
  MAX_HEADER_METADATA,
  RAW_TYPE,
  REQUEST_ID,
} from './media.ts';
export { API_PREFIX, decodeKey, decodeQuery, encodeKey, encodeQuery } from './paths.ts';
export type { RemoteCredentials, RemoteOptions, RemoteStore, RemoteTls } from './remote.ts';
export { fromProblem, PROBLEM_TYPE, statusOf, toProblem } from './problem.ts';
export type { Problem } from './problem.ts';
