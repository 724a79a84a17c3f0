export { CALLS_THAT_ASK } from './calls/approval-calls.ts';
export { CONSOLE_HEADERS, CONSOLE_PATHS } from './calls/console.ts';
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
} from './calls/console.ts';
export { commandLine, shellCommand, shellWords } from './text/command-line.ts';
export type { Command, CommandRequest } from './text/command-line.ts';
export { withDates } from './http/dates.ts';
export { printablePieces, withoutUnprintable } from './text/printable.ts';
export type { Escaped } from './text/printable.ts';
export type { Wire } from './http/dates.ts';
export { encodeEvent, EVENTS_TYPE, KEEP_ALIVE, readEvents } from './calls/events.ts';
export type { ServerEvent } from './calls/events.ts';
export { encodeMessage, encodeStream, FrameReader } from './http/frames.ts';
export { Latest } from './calls/latest.ts';
export {
  asciiJson,
  entityTagOf,
  FRAMED_TYPE,
  HEADERS,
  JSON_TYPE,
  MAX_HEADER_METADATA,
  RAW_TYPE,
  REQUEST_ID,
} from './http/media.ts';
export { API_PREFIX, decodeKey, decodeQuery, encodeKey, encodeQuery } from './http/paths.ts';
export type { RemoteCredentials, RemoteOptions, RemoteStore, RemoteTls } from './calls/remote.ts';
export { fromProblem, PROBLEM_TYPE, statusOf, toProblem } from './http/problem.ts';
export type { Problem } from './http/problem.ts';
