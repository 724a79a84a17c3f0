import type { AuditEvent, RecorderOptions } from '@securestore/audit';
import type { CryptoEvent, Logger } from '@securestore/objects';

/** As whom the audit log names whoever unlocked the store itself. No principal has such a name. */
export const ROOT = '[root]';

/** What an event is about, and how much of it, in a word or two; never a key. */
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
    case 'root.renewed':
      return `root ${event.root}`;
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

/** What the audit log says of what was done with a key or a slot. */
export function auditEventOf(event: CryptoEvent): AuditEvent {
  const { type, time, outcome } = event;
  const details = detailsOf(event);
  return {
    action: type,
    principal: ROOT,
    time: time.getTime(),
    outcome: outcome === 'done' ? 'allowed' : 'failed',
    reason: outcome === 'done' ? details : `${outcome}: ${details}`,
    category: 'key' in event ? event.key.category : undefined,
  };
}

/** What goes wrong with the log, for whoever reads the store's own messages. */
export function auditWarnings(logger: Logger | undefined): RecorderOptions['onAlert'] {
  if (logger === undefined) return undefined;
  return (alert) => {
    if (alert.event === 'not opened') {
      logger.warn({ code: alert.error.code }, `the audit log can't be written: ${alert.error.message}`);
      return;
    }
    const { name, event, code, lost, queued, what } = alert;
    const fields = { sink: name, event, code, lost, queued };
    if (event === 'lost') logger.warn(fields, `audit sink ${name}: entries are lost, which are not in the log`);
    else if (event === 'notice') logger.warn(fields, `audit sink ${name}: ${what ?? ''}`);
    else if (event === 'recovered') logger.info(fields, `audit sink ${name} takes entries again`);
    else logger.warn(fields, `audit sink ${name} takes no entries now (${event}, ${code ?? 'INTERNAL'})`);
  };
}
