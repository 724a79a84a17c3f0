import { exitCodeOf } from '@securestore/core-format';
import type { AuditReport, UnlockSecretMethod, SecureStore } from 'securestore';
import type { Call, ExitCode } from '../call/call.ts';
import { withStore } from '../store/open.ts';
import { refuse } from '../errors/refuse.ts';
import { warnIfShared } from '../secret/shared-file.ts';
import { ifAllowed, isRemote, notServed } from '../store/served.ts';
import { count, printable } from '../terminal/terminal-text.ts';
import { watchWait } from '../terminal/wait-progress.ts';
import { type AuditLogOptions, damageOf, notRecordedText, showLog } from './audit-log.ts';
import { Commands } from '../errors/hints.ts';

export interface AuditOnOptions {
  readonly auditor?: string;
  readonly failClosed?: boolean;
}

export interface AuditVerifyOptions {
  readonly auditorIdentity?: readonly string[];
}

const NEW_AUDITOR = 'securestore identity new -o auditor.identity';

type Action<O extends object = object> = (call: Call<O>) => Promise<ExitCode>;

/** A command that works on an open store. */
const onStore =
  <O extends object>(act: (call: Call<O>, store: SecureStore) => Promise<ExitCode>): Action<O> =>
  (call) =>
    withStore(call, (store) => act(call, store));

/** What shows without the identity of the auditor. */
async function examine({ cli, out }: Call, store: SecureStore): Promise<ExitCode> {
  const { findings, ...summary } = await watchWait(
    cli,
    'audit examine: reading the log',
    store.audit.examine({ signal: cli.signal }),
  );
  for (const problem of findings) await out.result({ problem }, () => [`finding: ${printable(problem)}`]);
  const { ok, parts, segments, complete } = summary;
  const checked = `${count(parts, 'part')} of ${count(segments, 'segment')}${complete ? '' : ', the newest,'} checked`;
  await out.result({ summary: { ...summary, findings: findings.length } }, () => [
    `${checked}: ${ok ? 'complete, in order, and as long as the manifest says' : count(findings.length, 'finding')}`,
    'Only audit verify, with the identity of the auditor, shows that no entry was changed.',
  ]);
  return ok ? 0 : exitCodeOf('INTEGRITY');
}

async function status(call: Call, store: SecureStore): Promise<ExitCode> {
  const { cli, out } = call;
  const { on, auditor = null, mode = null, notRecorded = [] } = await store.audit.state({ signal: cli.signal });
  const missing = notRecordedText(notRecorded);
  await out.result({ on, auditor, mode, ...(on && { notRecorded }) }, () =>
    on
      ? [`the store is audited (${mode}); the log is verified with the identity of`, `${auditor}`]
      : [
          printable(
            `the store is not audited; ${new Commands(call).on(['audit', 'on'], { auditor: 'RECIPIENT' })} begins`,
          ),
        ],
  );
  if (on && missing !== undefined) out.note(missing);
  return 0;
}

async function switchOn({ cli, out, options }: Call<AuditOnOptions>, store: SecureStore): Promise<ExitCode> {
  const { auditor, failClosed = false } = options;
  if (auditor === undefined) {
    refuse(
      'audit on needs --auditor RECIPIENT',
      { text: 'the auditor, who alone can verify the log, creates an identity', command: NEW_AUDITOR },
      { text: 'choose an auditor who does not run the store' },
    );
  }
  const mode = failClosed ? 'fail-closed' : 'batched';
  const { signal } = cli;
  const before = (await ifAllowed(store.audit.state({ signal })))?.auditor;
  await store.audit.enable({ auditor, mode, signal });
  await out.result({ on: true, auditor, mode }, () => `the store is audited from now on (${mode})`);
  if (before !== undefined && before !== auditor) {
    out.note(
      `the auditor was ${before} until now: to verify what was recorded before, give the identity of that one too`,
    );
  }
  const members = (await ifAllowed(store.members.list({ signal }))) ?? [];
  if (members.length > 0) {
    out.note(
      `${count(members.length, 'member')} of the store ${members.length === 1 ? 'writes' : 'write'} to no log: what they do is not recorded`,
    );
  }
  return 0;
}

async function switchOff({ cli, out }: Call, store: SecureStore): Promise<ExitCode> {
  const known = await ifAllowed(store.audit.state({ signal: cli.signal }));
  if (known?.on === false) {
    await out.result({ on: false }, () => 'the store is not audited. Nothing was changed.');
    return 0;
  }
  await store.audit.disable({ signal: cli.signal });
  await out.result({ on: false }, () => 'the store is audited no longer; the log stays');
  return 0;
}

async function exportLog(call: Call, store: SecureStore): Promise<ExitCode> {
  if (isRemote(store)) notServed('audit export', ': a server has only the newest entries');
  const { cli, out } = call;
  const damage = damageOf(call);
  for await (const line of store.audit.lines({ signal: cli.signal, onDamaged: damage.note })) {
    if (out.closed()) break;
    await out.bytes(Buffer.from(`${line}\n`));
  }
  return damage.exitCode();
}

async function identitiesOf(call: Call<AuditVerifyOptions>): Promise<UnlockSecretMethod[]> {
  const files = call.options.auditorIdentity;
  if (files === undefined)
    refuse("audit verify needs --auditor-identity FILE, the auditor's identity file", {
      text: 'the auditor has it, from',
      command: NEW_AUDITOR,
    });
  for (const file of files) await warnIfShared(call, file, 'identity');
  const { identityFile } = await import('securestore');
  return files.map((file) => identityFile(file));
}

/** Most often one reason for many: they were recorded for another auditor. */
async function sayUnverifiable(out: Call['out'], problems: AuditReport['findings']): Promise<void> {
  const segments = new Set(problems.filter(({ kind }) => kind === 'unverifiable').map(({ segment }) => segment));
  if (segments.size === 0 || out.json) return;
  await out.result({}, () => [
    `unverifiable: ${count(segments.size, 'segment')}: most likely recorded for another auditor, whose identity is needed too`,
  ]);
}

async function say({ out }: Call, { ok, findings, notes, segments }: AuditReport): Promise<void> {
  for (const problem of findings) {
    if (!out.json && problem.kind === 'unverifiable') continue;
    const { kind, segment, sequence, message } = problem;
    const where = sequence === undefined ? segment : `${segment} entry ${sequence}`;
    await out.result(problem, () => `${kind}: segment ${where}: ${printable(message)}`);
  }
  await sayUnverifiable(out, findings);
  const entries = segments.reduce((sum, segment) => sum + segment.entries, 0);
  await out.result({ summary: { ok, findings: findings.length, segments: segments.length, entries, notes } }, () => [
    [
      ok ? 'nothing is wrong' : count(findings.length, 'finding'),
      `in ${count(segments.length, 'segment')}`,
      `with ${count(entries, 'entry', 'entries')}`,
    ].join(' '),
    ...notes.map((note) => `note: ${printable(note)}`),
  ]);
}

async function verify(call: Call<AuditVerifyOptions>, store: SecureStore): Promise<ExitCode> {
  if (isRemote(store)) notServed('audit verify', ": a server must not see the auditor's identity");
  const auditor = await identitiesOf(call);
  const { cli } = call;
  const verifying = store.audit.verify({ auditor, signal: cli.signal });
  const report = await watchWait(cli, 'audit verify: reading the log', verifying);
  await say(call, report);
  return report.ok ? 0 : exitCodeOf('INTEGRITY');
}

/** `securestore audit show`. */
export const showAudit: Action = onStore(status);
/** `securestore audit on`. */
export const auditOn: Action<AuditOnOptions> = onStore(switchOn);
/** `securestore audit off`. */
export const auditOff: Action = onStore(switchOff);
/** `securestore audit log`. */
export const auditLog: Action<AuditLogOptions> = onStore(showLog);
/** `securestore audit examine`. */
export const examineLog: Action = onStore(examine);
/** `securestore audit verify`. */
export const verifyLog: Action<AuditVerifyOptions> = async (call) => {
  const { auditorIdentity, identityFile } = call.options;
  // An auditor has an identity that unlocks no store: the refusal of the store would not say so.
  if (auditorIdentity === undefined && identityFile !== undefined) {
    refuse('audit verify needs --auditor-identity FILE; --identity-file only unlocks the store', {
      text: 'give the identity of the auditor by --auditor-identity FILE, next to an unlock secret of the store',
    });
  }
  return await onStore(verify)(call);
};
/** `securestore audit export`. */
export const exportAuditLog: Action = onStore(exportLog);
