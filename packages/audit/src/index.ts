export { AuditLog } from './audit-log.ts';
export type { AuditLogOptions } from './audit-log.ts';
export type { SinkOptions } from './outputs.ts';
export type { AuditMode } from '@securestore/core-format';
export { certifyAuditKey } from './certificate.ts';
export type { Signer } from './certificate.ts';
export { Chain } from './chain.ts';
export type { ChainedEntry, ChainedHeader, ChainOptions } from './chain.ts';
export { fileSink } from './file-sink.ts';
export { tipsIn } from './file-tips.ts';
export { entryLine, headerLine } from './line.ts';
export { auditLines } from './lines.ts';
export { END_ACTION, LOST_ACTION } from './own-actions.ts';
export type { AuditPage, AuditPageOptions, AuditPart, AuditPlace, AuditSettings } from './place.ts';
export { Recorder } from './recorder.ts';
export type { Attempted } from './attempted.ts';
export type { AuditOpeningFailure, RecorderOptions } from './recorder.ts';
export { nameHash } from './redact.ts';
export type { AuditEvent, RedactionOptions } from './redact.ts';
export type { AuditProblem, AuditProblemKind, AuditReport, SegmentReport } from './report.ts';
export type { AuditLine, Sink, SinkStart } from './sink.ts';
export type { SinkAlert, SinkState, SinkStats } from './sink-queue.ts';
export { functionSink, objectSink, streamSink } from './sinks.ts';
export type { EntryPlace, TailCut, TailOptions } from './tail-types.ts';
export { AuditTrail } from './trail.ts';
export type { TrailExamination } from './examine.ts';
export type {
  AuditState,
  AuditStatus,
  EnableAuditOptions,
  EntriesOptions,
  TrailEntry,
  VerifyTrailOptions,
} from './trail.ts';
export { verifyLog } from './verify.ts';
export type { VerifyOptions } from './verify.ts';
