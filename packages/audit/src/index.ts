export * from './lazy.ts';
export { AuditLog } from './record/audit-log.ts';
export type { AuditLogOptions } from './record/audit-log.ts';
export type { SinkOptions } from './sink/outputs.ts';
export type { AuditMode } from '@securestore/core-format';
export { certifyAuditKey } from './entry/certificate.ts';
export type { Signer } from './entry/certificate.ts';
export { Chain } from './entry/chain.ts';
export type { ChainedEntry, ChainedHeader, ChainOptions } from './entry/chain.ts';
export { tipsIn } from './file/file-tips.ts';
export { entryLine, headerLine } from './entry/line.ts';
export { END_ACTION, LOST_ACTION } from './entry/own-actions.ts';
export type { AuditPage, AuditPageOptions, AuditPart, AuditArea, AuditSettings } from './store/place.ts';
export { Recorder } from './record/recorder.ts';
export type { Attempted } from './entry/attempted.ts';
export type { AuditOpeningFailure, RecorderOptions } from './record/recorder.ts';
export { nameHash } from './entry/redact.ts';
export type { AuditEvent, RedactionOptions } from './entry/redact.ts';
export type { AuditFinding, AuditFindingKind, AuditReport, SegmentReport } from './verify/report.ts';
export type { AuditLine, Sink, SinkStart } from './sink/sink.ts';
export type { SinkAlert, SinkState, SinkStats } from './sink/sink-queue.ts';
export { objectSink } from './sink/sinks.ts';
export type { EntryPosition, TailCut, TailOptions } from './trail/tail-types.ts';
export type { TrailExamination } from './store/examine.ts';
export type {
  AuditState,
  AuditStatus,
  EnableAuditOptions,
  EntriesOptions,
  TrailEntry,
  VerifyTrailOptions,
} from './trail/trail.ts';
export { verifyLog } from './verify/verify.ts';
export type { VerifyOptions } from './verify/verify.ts';
