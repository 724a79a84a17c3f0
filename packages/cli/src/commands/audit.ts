import { exitCodeOf } from '@securestore/core-format';
import type { AuditReport, UnlockSecretMethod, SecureStore } from 'securestore';
import type { Call, ExitCode } from '../call/call.ts';
import { withStore } from '../store/open.ts';
import { refuse, refuseAction } from '../errors/refuse.ts';
import { warnIfShared } from '../secret/shared-file.ts';
import { ifAllowed, isRemote, notServed } from '../store/served.ts';
import { count, printable } from '../terminal/terminal-text.ts';
import { watchWait } from '../terminal/wait-progress.ts';
import { auditLog, type AuditLogOptions, damageOf } from './audit-log.ts';

export interface AuditOptions extends AuditLogOptions {
  readonly auditor?: string;
  readonly failClosed?: boolean;
  readonly auditorIdentity?: readonly string[];
}

const ACTIONS = ['on', 'off', 'log', 'examine', 'verify', 'export'] as const;
type AuditAction = (typeof ACTIONS)[number];

/** What an action was called. */
const FORMER: Readonly<Record<string, AuditAction>> = { tail: 'log' };

/** To which actions an option belongs. */
const BELONGS: Readonly<Record<keyof AuditOptions, readonly [flag: string, action: AuditAction]>> = {
  auditor: ['--auditor', 'on'],
  failClosed: ['--fail-closed', 'on'],
  auditorIdentity: ['--auditor-identity', 'verify'],
  lines: ['--lines', 'log'],
  follow: ['--follow', 'log'],
  key: ['--key', 'log'],
  name: ['--name', 'log'],
  action: ['--action', 'log'],
  principal: ['--principal', 'log'],
  result: ['--result', 'log'],
  since: ['--since', 'log'],
  until: ['--until', 'log'],
  long: ['--long', 'log'],
  hashes: ['--hashes', 'log'],
};

/** `securestore audit`, `audit on`, `audit off`, `audit log`, `audit examine`, `audit verify`, `audit export`. */
export async function audit(call: Call<AuditOptions>, given: string | undefined): Promise<ExitCode> {
  const action = FORMER[given ?? ''] ?? given;
  if (action !== undefined && !ACTIONS.includes(action as AuditAction)) {
    refuseAction('audit', ACTIONS);
  }
  for (const [option, [flag, owner]] of Object.entries(BELONGS)) {
    if (call.options[option as keyof AuditOptions] !== undefined && action !== owner)
      refuse(`${flag} belongs to audit ${owner}`);
  }
  return await withStore(call, (store) => RUN[(action as AuditAction | undefined) ?? 'status'](call, store));
}

const NEW_AUDITOR = 'securestore identity new -o auditor.identity';

type Run = (call: Call<AuditOptions>, store: SecureStore) => Promise<ExitCode>;

/** What shows without the identity of the auditor. */
async function examine({ cli, out }: Call, store: SecureStore): Promise<ExitCode> {
  const { findings, ...summary } = await watchWait(
    cli,
    'audit examine: reading the log',
    store.audit.examine({ signal: cli.signal }),
  );
  for (const problem of findings) await out.result({ problem }, () => [`problem: ${printable(problem)}`]);
  const { ok, parts, segments, complete } = summary;
  const looked = `${count(parts, 'part')} of ${count(segments, 'segment')}${complete ? '' : ', the newest,'} looked at`;
  await out.result({ summary: { ...summary, findings: findings.length } }, () => [
    `${looked}: ${ok ? 'whole, in order, and as far as the head of the store says' : count(findings.length, 'problem')}`,
    'that no entry was changed only audit verify shows, with the identity of the auditor',
  ]);
  return ok ? 0 : exitCodeOf('INTEGRITY');
}

async function status({ cli, out }: Call, store: SecureStore): Promise<ExitCode> {
  const { on, auditor = null, mode = null } = await store.audit.state({ signal: cli.signal });
  await out.result({ on, auditor, mode }, () =>
    on
      ? [`the store is audited (${mode}); the log is verified with the identity of`, `${auditor}`]
      : ['the store is not audited; securestore audit on --auditor RECIPIENT begins'],
  );
  return 0;
}

async function switchOn({ cli, out, options }: Call<AuditOptions>, store: SecureStore): Promise<ExitCode> {
  const { auditor, failClosed = false } = options;
  if (auditor === undefined) {
    refuse(
      'audit on needs --auditor RECIPIENT',
      { text: 'the auditor, who alone can verify the log, makes an identity', command: NEW_AUDITOR },
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
    out.note(`${count(members.length, 'member')} of the store write to no log: what they do is not recorded`);
  }
  return 0;
}

async function switchOff({ cli, out }: Call, store: SecureStore): Promise<ExitCode> {
  await store.audit.disable({ signal: cli.signal });
  await out.result({ on: false }, () => 'the store is audited no longer; the log stays');
  return 0;
}

async function exportLog(call: Call<AuditOptions>, store: SecureStore): Promise<ExitCode> {
  if (isRemote(store)) notServed('audit export', ': a server has only the newest entries');
  const { cli, out } = call;
  const damage = damageOf(call);
  for await (const line of store.audit.lines({ signal: cli.signal, onDamaged: damage.note })) {
    if (out.closed()) break;
    await out.bytes(Buffer.from(`${line}\n`));
  }
  return damage.exitCode();
}

async function identitiesOf(call: Call<AuditOptions>): Promise<UnlockSecretMethod[]> {
  const files = call.options.auditorIdentity;
  if (files === undefined) refuse("audit verify needs --auditor-identity FILE, the auditor's identity file");
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
      ok ? 'nothing is wrong' : count(findings.length, 'problem'),
      `in ${count(segments.length, 'segment')}`,
      `with ${count(entries, 'entry', 'entries')}`,
    ].join(' '),
    ...notes.map((note) => `note: ${printable(note)}`),
  ]);
}

async function verify(call: Call<AuditOptions>, store: SecureStore): Promise<ExitCode> {
  if (isRemote(store)) notServed('audit verify', ": a server must not see the auditor's identity");
  const auditor = await identitiesOf(call);
  const { cli } = call;
  const verifying = store.audit.verify({ auditor, signal: cli.signal });
  const report = await watchWait(cli, 'audit verify: reading the log', verifying);
  await say(call, report);
  return report.ok ? 0 : exitCodeOf('INTEGRITY');
}

const RUN: Readonly<Record<AuditAction | 'status', Run>> = {
  status,
  on: switchOn,
  off: switchOff,
  log: auditLog,
  examine,
  export: exportLog,
  verify,
};
