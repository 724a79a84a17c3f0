import type { Action, ApprovalRule, PlannedOperation, Policy, SecureStore, SessionApprovals } from 'securestore';
import { scopeText } from '../access/access-text.ts';
import { accessPending, sayWhereItCounts } from '../access/access-pending.ts';
import {
  approvalCommand,
  planCounts,
  planLines,
  reasonLines,
  requestText,
  stateInWords,
} from '../access/approval-text.ts';
import type { Call, ExitCode } from '../call/call.ts';
import type { OwnHint } from '../errors/hints.ts';
import { withStore } from '../store/open.ts';
import { parseExpiry } from '../call/parse-time.ts';
import { refusal, refuse } from '../errors/refuse.ts';
import { isRemote } from '../store/served.ts';
import { parseActions, parseScope } from '../access/rule-options.ts';
import { formatTable, formatTime, printable } from '../terminal/terminal-text.ts';
import { Commands } from '../errors/hints.ts';

export interface ApprovalOptions {
  readonly keys?: readonly string[];
  readonly category?: readonly string[];
  readonly reason?: string;
  /** Of an object: which version of it. */
  readonly versionId?: string;
  /** JSON of a call and what it is given. */
  readonly operation?: string;
}

export interface ApproveOptions {
  readonly expires?: string;
}

const LIST: OwnHint = { text: 'to list the requests', on: ['approval', 'list'] };
const LIST_RULES: OwnHint = { text: 'to list the rules', on: ['approval', 'rules'] };

/** `securestore approval list`. */
export async function listApprovals(call: Call): Promise<void> {
  await withStore(call, (store) => listRequests(call, store));
}

/** `securestore approval show`. */
export async function showApproval(call: Call, id: string): Promise<void> {
  await withStore(call, (store) => showRequest(call, store, id));
}

/** `securestore approval rules`. */
export async function listApprovalRules(call: Call): Promise<void> {
  await withStore(call, (store) => listRules(call, store));
}

/** `securestore approval add`. @param actions separated by commas */
export async function addApprovalRule(call: Call<ApprovalOptions>, actions: string): Promise<ExitCode> {
  const rule = { actions: parseActions([actions]), ...parseScope(call.options) };
  return await withStore(call, (store) => addRule(call, store, rule));
}

/** `securestore approval remove`. @param number as {@link listApprovalRules} shows it */
export async function removeApprovalRule(call: Call, number: string): Promise<ExitCode> {
  if (!/^[1-9]\d{0,3}$/.test(number)) refuse('approval remove needs the number of a rule', LIST_RULES);
  return await withStore(call, (store) => removeRule(call, store, Number(number)));
}

/** `securestore approval request`. */
export async function requestApproval(
  call: Call<ApprovalOptions>,
  action: string,
  key: string | undefined,
): Promise<void> {
  await withStore(call, (store) => ask(call, store, action, key));
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
function operationIn(text: string): PlannedOperation {
  try {
    const { call, about } = JSON.parse(text) as PlannedOperation;
    if (typeof call === 'string' && (about === undefined || typeof about === 'object')) return { call, about };
  } catch {
    // As below.
  }
  return refuse('--operation must be JSON such as {"call":CALL,"about":{...}}');
}

/** Asks a second person for approval, as whom the server knows whoever asks. */
async function ask(
  { cli, out, options }: Call<ApprovalOptions>,
  store: SecureStore & { readonly approvals?: SessionApprovals },
  action: string,
  key: string | undefined,
): Promise<void> {
  if (!isRemote(store) || store.approvals === undefined)
    refuse('approval request is for remote stores: the owner of a store needs no approval');
  const { reason, versionId, operation } = options;
  const made = await store.approvals.request(action as Action, key, {
    ...(reason === undefined ? {} : { reason }),
    ...(versionId === undefined ? {} : { version: versionId }),
    ...(operation === undefined ? {} : { operation: operationIn(operation) }),
    signal: cli.signal,
  });
  const until = formatTime(new Date(made.expires));
  await out.result(made, () => [
    `asked for approval as ${made.id}, waiting until ${until}, ${requestText(made)}`,
    ...planLines(made.plan),
  ]);
  out.note(`another person approves it with ${approvalCommand(made)}; then the next attempt passes, once`);
}

async function listRequests({ cli, out }: Call, store: SecureStore): Promise<void> {
  const requests = await store.access.requests({ signal: cli.signal });
  if (out.json) {
    for (const request of requests) await out.result(request, () => []);
    return;
  }
  const titles = ['ID', 'STATE', 'PRINCIPAL', 'ACTION', 'KEY', 'UNTIL', 'EFFECT', 'REASON'];
  const rows = requests.map(({ id, state, principal, action, key = '', expires, plan, reason = '' }) => {
    const would = plan === undefined ? 'unknown: asked for before plans were made' : planCounts(plan);
    const until = formatTime(new Date(expires));
    return [id, state, printable(principal), action, printable(key), until, would, printable(reason)];
  });
  const columns = titles.map((title) => ({ title }));
  if (rows.length > 0) await out.result({}, () => formatTable(columns, rows));
  else out.note('no requests for approval');
}

async function showRequest({ cli, out }: Call, store: SecureStore, id: string): Promise<void> {
  const request = (await store.access.requests({ signal: cli.signal })).find((one) => one.id === id);
  if (request === undefined)
    throw refusal('NOT_FOUND', `request "${id}" does not exist, or has ended`, { hints: [LIST] });
  await out.result(request, () => [
    `${request.state} until ${formatTime(new Date(request.expires))}, ${requestText(request)}`,
    ...(request.state === 'outdated' ? [stateInWords(request)] : []),
    ...planLines(request.plan),
    ...reasonLines(request),
  ]);
}

async function listRules(call: Call, store: SecureStore): Promise<void> {
  const { cli, out } = call;
  const { approvals = [] } = await store.access.policy({ signal: cli.signal });
  if (out.json) {
    for (const rule of approvals) await out.result(rule, () => []);
    return;
  }
  await out.result({}, () => approvals.map((rule, index) => `${index + 1}: ${scopeText(rule)}`));
  if (approvals.length > 0) return;
  const add = new Commands(call).on(['approval', 'add', 'ACTIONS']);
  out.note(printable(`no action needs an approval; to add a rule: ${add}`));
}

async function addRule(call: Call<ApprovalOptions>, store: SecureStore, rule: ApprovalRule): Promise<ExitCode> {
  const { cli, out } = call;
  const { setApprovals } = await import('securestore');
  const change = (policy: Policy): Policy => setApprovals([...(policy.approvals ?? []), rule])(policy);
  const changed = await store.access.change(change, { signal: cli.signal });
  const found = await accessPending(call, store, changed.pending);
  await out.result({ ...rule, ...found.data }, () => `needs an approval from now on: ${scopeText(rule)}`);
  return sayWhereItCounts(call, found);
}

async function removeRule(call: Call, store: SecureStore, number: number): Promise<ExitCode> {
  const { cli, out } = call;
  const { setApprovals } = await import('securestore');
  let removed: ApprovalRule | undefined;
  const change = (policy: Policy): Policy => {
    const rules = policy.approvals ?? [];
    removed = rules[number - 1];
    if (removed !== undefined) return setApprovals(rules.filter((rule) => rule !== removed))(policy);
    throw refusal('NOT_FOUND', `the rule ${number} does not exist`, { hints: [LIST_RULES] });
  };
  const changed = await store.access.change(change, { signal: cli.signal });
  const found = await accessPending(call, store, changed.pending);
  await out.result({ ...removed, removed: true, ...found.data }, () =>
    removed === undefined ? [] : `needs no approval any more: ${scopeText(removed)}`,
  );
  return sayWhereItCounts(call, found);
}

/** `securestore approve <id>`. */
export async function approve(call: Call<ApproveOptions>, id: string): Promise<void> {
  const { cli, out, options } = call;
  const expires = options.expires === undefined ? undefined : parseExpiry('--expires', options.expires, cli.now());
  await withStore(call, async (store) => {
    const request = await store.access.approve(id, { expires, signal: cli.signal });
    const until = formatTime(new Date(request.expires));
    await out.result(request, () => [
      `approved once until ${until}, ${requestText(request)}`,
      ...planLines(request.plan),
      ...reasonLines(request),
    ]);
  });
}

/** `securestore deny <id>`. */
export async function deny(call: Call, id: string): Promise<void> {
  const { cli, out } = call;
  await withStore(call, async (store) => {
    const request = await store.access.deny(id, { signal: cli.signal });
    await out.result(request, () => `denied, ${requestText(request)}`);
  });
}
