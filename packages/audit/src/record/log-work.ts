// Writes a log: loaded when something is first recorded.
export { certifyAuditKey } from '../entry/certificate.ts';
export { StoreSink } from '../store/store-sink.ts';
export { AuditLog } from './audit-log.ts';
