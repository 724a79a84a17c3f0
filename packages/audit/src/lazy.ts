/**
 * The audit log of an open store, without what writes and reads it: that is loaded when something is first recorded, and by the first call
 * that reads. For programs that may do neither; everything else is in the entry `.`, which loads it at once.
 */
export { auditLines } from './entry/lines.ts';
export { fileSink } from './file/file-sink.ts';
export { functionSink, streamSink } from './sink/sinks.ts';
export { AuditTrail } from './trail/trail.ts';
