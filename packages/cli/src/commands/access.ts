import type { OwnHint } from '../errors/hints.ts';
import { SecureStoreError } from '@securestore/core-format';
import type { Action, Decision, Policy, Rule, SecureStore, Template } from 'securestore';
import { ruleText } from '../access/access-text.ts';
import { accessPending, sayWhereItCounts } from '../access/access-pending.ts';
import type { Call, ExitCode } from '../call/call.ts';
import { withStore } from '../store/open.ts';
import { parseExpiry } from '../call/parse-time.ts';
import { confirmDestruction } from '../secret/prompt.ts';
import { refusal, refuse, withHints } from '../errors/refuse.ts';
import { parseActions, parseScope, TEMPLATES } from '../access/rule-options.ts';
import { count, formatTable, formatTime, printable } from '../terminal/terminal-text.ts';
import { Commands } from '../errors/hints.ts';

export interface RoleOptions {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly template?: string;
  readonly keys?: readonly string[];
  readonly category?: readonly string[];
}

export interface GrantOptions {
  readonly expires?: string;
  readonly service?: boolean;
}

/** `securestore role list`. */
export async function listRoles(call: Call): Promise<void> {
  await withStore(call, (store) => list(call, store));
}

/** `securestore role show`. */
export async function showRole(call: Call, name: string): Promise<void> {
  await withStore(call, (store) => show(call, store, name));
}

/** `securestore role add`. */
export async function addRole(call: Call<RoleOptions>, name: string): Promise<ExitCode> {
  const rules = await rulesOf(call.options);
  return await withStore(call, (store) => addRules(call, store, name, rules));
}

/** `securestore role remove`. */
export async function removeRole(call: Call, name: string): Promise<ExitCode> {
  return await withStore(call, (store) => remove(call, store, name));
}

async function roleNamed({ roles }: Policy, given: string): Promise<Policy['roles'][number]> {
  const { parsePrincipalName } = await import('securestore');
  const name = parsePrincipalName(given);
  const found = roles.find((other) => other.name === name);
  if (found !== undefined) return found;
  const hints = [{ text: 'to list the roles', on: ['role', 'list'] }];
  throw refusal('NOT_FOUND', `the role "${printable(name)}" does not exist`, { hints });
}

function holds(grants: Policy['principals'][number]['grants'], name: string): boolean {
  return grants.some(({ role: held }) => held === name);
}

async function list(call: Call, store: SecureStore): Promise<void> {
  const { cli, out } = call;
  const { roles, principals } = await store.access.policy({ signal: cli.signal });
  if (out.json) {
    for (const one of roles) await out.result(one, () => []);
    return;
  }
  const held = (name: string): number => principals.filter(({ grants }) => holds(grants, name)).length;
  const columns = [
    { title: 'ROLE' },
    { title: 'RULES', align: 'right' },
    { title: 'HELD BY', align: 'right' },
  ] as const;
  const rows = roles.map(({ name, rules }) => [printable(name), String(rules.length), String(held(name))]);
  if (roles.length > 0) await out.result({}, () => formatTable(columns, rows));
  else
    out.note(
      printable(`no roles; to create one: ${new Commands(call).on(['role', 'add', 'NAME'], { template: 'reader' })}`),
    );
}

async function show({ cli, out }: Call, store: SecureStore, name: string): Promise<void> {
  const found = await roleNamed(await store.access.policy({ signal: cli.signal }), name);
  await out.result(found, () => found.rules.map((rule, index) => `${index + 1}: ${ruleText(rule)}`));
}

async function rulesOf({ allow, deny, template, keys, category }: RoleOptions): Promise<Rule[]> {
  const scope = parseScope({ keys, category });
  const { templateRules } = await import('securestore');
  const given =
    template === undefined ? [] : templateRules(template as Template).map((rule) => ({ ...rule, ...scope }));
  const ruleFor = (effect: Rule['effect'], actions: readonly string[] | undefined): Rule[] =>
    actions === undefined ? [] : [{ effect, actions: parseActions(actions, `--${effect}`), ...scope }];
  const rules = [...given, ...ruleFor('allow', allow), ...ruleFor('deny', deny)];
  return rules.length > 0 ? rules : refuse('role add needs --template, --allow or --deny');
}

async function addRules(
  call: Call<RoleOptions>,
  store: SecureStore,
  given: string,
  rules: readonly Rule[],
): Promise<ExitCode> {
  const { cli, out } = call;
  const { parsePrincipalName, setRole } = await import('securestore');
  const name = parsePrincipalName(given);
  let all: readonly Rule[] = rules;
  const change = (policy: Policy): Policy => {
    all = [...(policy.roles.find((other) => other.name === name)?.rules ?? []), ...rules];
    return setRole(name, all)(policy);
  };
  const changed = await store.access.change(change, { signal: cli.signal });
  const found = await accessPending(call, store, changed.pending);
  await out.result({ name, rules: all, ...found.data }, () =>
    rules.map((rule) => `${printable(name)}: ${ruleText(rule)}`),
  );
  return sayWhereItCounts(call, found);
}

async function remove(call: Call, store: SecureStore, given: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  const policy = await store.access.policy({ signal: cli.signal });
  const { principals } = policy;
  const { name } = await roleNamed(policy, given);
  const holders = principals.filter(({ grants }) => holds(grants, name)).length;
  if (holders > 0) {
    const what = `${count(holders, 'principal')} will lose the role ${printable(name)}`;
    await confirmDestruction(cli, options.yes, `${what}. Remove it?`, what);
  }
  const { removeRole: removal } = await import('securestore');
  const changed = await store.access.change(removal(name), { signal: cli.signal });
  const found = await accessPending(call, store, changed.pending);
  await out.result({ name, removed: true, ...found.data }, () => `removed the role ${printable(name)}`);
  return sayWhereItCounts(call, found);
}

/** The template for a role that does not exist yet. */
const templateFor = (role: string): string => (Object.hasOwn(TEMPLATES, role) ? role : 'reader');

/** How to create a role that does not exist. One that reads or writes objects is meant for some of them more often than for all. */
function creationOf(role: string): OwnHint {
  const template = templateFor(role);
  const on = ['role', 'add', role];
  return template === 'reader' || template === 'writer'
    ? { text: 'to create it for some objects', on, options: { template, keys: 'PREFIX/**' } }
    : { text: 'to create it', on, options: { template } };
}

/** `securestore grant`, `securestore grant list`, `securestore grant <principal> <role>`. */
export async function grant(
  call: Call<GrantOptions>,
  given: string | undefined,
  roleName: string | undefined,
): Promise<ExitCode> {
  const { cli, out, options } = call;
  // As with nouns, `list` lists.
  const who = given === 'list' && roleName === undefined ? undefined : given;
  if (who !== undefined && roleName === undefined)
    refuse('grant needs a role and a principal', { text: 'to list the roles', on: ['role', 'list'] });
  const expires = options.expires === undefined ? undefined : parseExpiry('--expires', options.expires, cli.now());
  return await withStore(call, async (store): Promise<ExitCode> => {
    if (who === undefined || roleName === undefined) return await listGrants(call, store);
    const { addPrincipal, grantRole, parsePrincipalName } = await import('securestore');
    const [principal, held] = [parsePrincipalName(who), parsePrincipalName(roleName)];
    const kind = options.service === true ? 'service' : 'user';
    let added = false;
    let hasRole = true;
    const change = (policy: Policy): Policy => {
      hasRole = policy.roles.some(({ name }) => name === held);
      added = policy.principals.every(({ name }) => name !== principal);
      const grown = added ? addPrincipal(principal, kind)(policy) : policy;
      return grantRole(principal, held, expires?.getTime())(grown);
    };
    const changing = store.access.change(change, { signal: cli.signal });
    const changed = await changing.catch((error: unknown) => {
      if (hasRole || !SecureStoreError.is(error, 'NOT_FOUND')) throw error;
      throw withHints(error, { text: 'to list the roles', on: ['role', 'list'] }, creationOf(held));
    });
    const until = expires === undefined ? '' : ` until ${formatTime(expires)}`;
    const found = await accessPending(call, store, changed.pending);
    await out.result({ principal, role: held, added, ...(expires && { expires }), ...found.data }, () => {
      const [what, whom] = [printable(held), printable(principal)];
      return added ? `added ${whom} (${kind}) and granted ${what}${until}` : `granted ${what} to ${whom}${until}`;
    });
    return sayWhereItCounts(call, found);
  });
}

async function listGrants({ cli, out }: Call, store: SecureStore): Promise<void> {
  const { principals } = await store.access.policy({ signal: cli.signal });
  if (out.json) {
    for (const one of principals) await out.result(one, () => []);
    return;
  }
  const columns = [
    { title: 'PRINCIPAL' },
    { title: 'KIND' },
    { title: 'ROLE' },
    { title: 'UNTIL' },
    { title: '' },
  ] as const;
  const rows = principals.flatMap(({ name, kind, disabled, grants }) => {
    const remark = disabled ? 'disabled' : '';
    if (grants.length === 0) return [[printable(name), kind, '', '', remark]];
    return grants.map(({ role: held, expires }) => {
      const until = expires === undefined ? '' : formatTime(new Date(expires));
      return [printable(name), kind, printable(held), until, remark];
    });
  });
  if (principals.length > 0) await out.result({}, () => formatTable(columns, rows));
  else out.note('no role is granted; the owner may do everything');
}

/** `securestore revoke <principal> [role]`. */
export async function revoke(call: Call, principal: string, roleName: string | undefined): Promise<ExitCode> {
  const { cli, out, options } = call;
  return await withStore(call, async (store): Promise<ExitCode> => {
    const { removePrincipal, revokeRole } = await import('securestore');
    if (roleName === undefined) {
      // Nobody is asked about somebody whom there is not.
      removePrincipal(principal)(await store.access.policy({ signal: cli.signal }));
      const what = `${printable(principal)} will lose all roles and all API tokens`;
      await confirmDestruction(cli, options.yes, `${what}. Remove?`, what);
    }
    const change = roleName === undefined ? removePrincipal(principal) : revokeRole(principal, roleName);
    const changed = await store.access.change(change, { signal: cli.signal });
    const found = await accessPending(call, store, changed.pending);
    await out.result({ principal, ...(roleName && { role: roleName }), revoked: true, ...found.data }, () =>
      roleName === undefined
        ? `removed ${printable(principal)}`
        : `revoked ${printable(roleName)} from ${printable(principal)}`,
    );
    return sayWhereItCounts(call, found);
  });
}

function reasonOf({ reason, rule }: Decision, principal: string, policy: Policy): string {
  if (reason === 'disabled') return `${printable(principal)} is disabled`;
  if (reason === 'unknown principal') return `the policy knows no ${printable(principal)}`;
  if (rule === undefined) return 'no rule allows it';
  const found = policy.roles.find(({ name }) => name === rule.role)?.rules[rule.index];
  return `by rule ${rule.index + 1} of the role ${printable(rule.role)}: ${found === undefined ? '' : ruleText(found)}`;
}

/** `securestore explain <principal> <action> [key]`: exit code 0 where it is allowed, 4 where not. */
export async function explain(
  call: Call,
  principal: string,
  action: string,
  key: string | undefined,
): Promise<ExitCode> {
  const { cli, out } = call;
  const { signal } = cli;
  return await withStore(call, async (store) => {
    const decision = await store.access.explain(principal, action as Action, key, { signal });
    const policy = await store.access.policy({ signal });
    const { allowed, needsApproval, reason, rule } = decision;
    const said = { principal, action, ...(key && { key }), allowed, needsApproval, reason, ...(rule && { rule }) };
    await out.result(said, () => {
      const verdict = allowed ? (needsApproval ? 'allowed with approval' : 'allowed') : 'denied';
      return `${verdict}: ${reasonOf(decision, principal, policy)}`;
    });
    return allowed ? 0 : 4;
  });
}
