import type { AuditEvent, RecorderOptions } from '@securestore/audit';
import type { CryptoEvent, Logger } from '@securestore/objects';

/** The name of the owner in the audit log. No principal has such a name. */
export const OWNER = '[owner]';

/** The subject and count of an event, in a word or two; never a key. */
function detailsOf(event: CryptoEvent): string {
  switch (event.type) {
    case 'unlock':
      return event.slot === undefined ? event.method : `${event.method} ${event.slot}`;
    case 'slot.added':
    case 'slot.removed':
      return `${event.method} ${event.slot}`;
    case 'member.granted':
    case 'member.revoked':
      return event.recipient ?? 'all';
    case 'rootKey.rotated':
      return `root ${event.rootKey}`;
    case 'key.used':
      return `${event.count} × ${event.operation} ${event.key.id}${event.from === undefined ? '' : ` from ${event.from}`}`;
    case 'key.scheduled':
      return `${event.key.kind} ${event.key.id}${event.destroyAt === undefined ? '' : ` for ${event.destroyAt.toISOString()}`}`;
    case 'suite.refused':
      return `${event.count} × suite ${event.suite}`;
    default:
      return `${event.key.kind} ${event.key.id}`;
  }
}

/** The entry of the audit log for an event of an encryption key or a slot. */
export function auditEventOf(event: CryptoEvent): AuditEvent {
  const { type, time, outcome } = event;
  const details = detailsOf(event);
  return {
    action: type,
    principal: OWNER,
    time: time.getTime(),
    outcome: outcome === 'done' ? 'allowed' : 'failed',
    reason: outcome === 'done' ? details : `${outcome}: ${details}`,
    category: 'key' in event ? event.key.category : undefined,
  };
}

/** Logs failures of the audit log. */
export function auditWarnings(logger: Logger | undefined): RecorderOptions['onAlert'] {
  if (logger === undefined) return undefined;
  return (alert) => {
    if (alert.event === 'not opened') {
      logger.warn({ code: alert.error.code }, `the audit log cannot be written: ${alert.error.message}`);
      return;
    }
    const { name, event, code, lost, queued, what } = alert;
    const fields = { sink: name, event, code, lost, queued };
    if (event === 'lost') logger.warn(fields, `audit sink ${name} has lost entries, which are not in the log either`);
    else if (event === 'notice') logger.warn(fields, `audit sink ${name}: ${what ?? ''}`);
    else if (event === 'recovered') logger.info(fields, `audit sink ${name} accepts entries again`);
    else logger.warn(fields, `audit sink ${name} accepts no entries (${event}, ${code ?? 'INTERNAL'})`);
  };
}
