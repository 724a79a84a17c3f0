import type { Action, ApprovalRule, Attempt, Policy } from '../../src/index.ts';

/** What a pattern means, as a regular expression. */
function matchesPattern(pattern: string, key: string): boolean {
  const segments = pattern.split('/');
  const source = segments.map((segment, index) => {
    const last = index === segments.length - 1;
    if (segment === '**') return last ? '.+' : '(?:.+/)?';
    const text = segment.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll(String.raw`\*`, '[^/]*');
    return text + (last ? '' : '/');
  });
  return new RegExp(`^${source.join('')}$`, 'su').test(key);
}

function names(patterns: readonly string[], action: Action): boolean {
  return patterns.some((pattern) => {
    if (pattern === '*') return true;
    return pattern.endsWith('.*') ? action.startsWith(pattern.slice(0, -1)) : pattern === action;
  });
}

function applies(rule: ApprovalRule, { action, key, category }: Attempt): boolean {
  if (!names(rule.actions, action)) return false;
  if (rule.keys !== undefined && (key === undefined || !rule.keys.some((pattern) => matchesPattern(pattern, key))))
    return false;
  return rule.categories === undefined || (category !== undefined && rule.categories.includes(category));
}

/** What a policy says, written down as it is explained: every rule is looked at, nothing is made ready or remembered. */
export function mayDo(
  policy: Policy,
  who: { readonly name: string; readonly looksLike: string; readonly claimed: readonly string[] },
  attempt: Attempt,
  now: number,
): boolean {
  const principal = policy.principals.find(({ name }) => name === who.name);
  const alike = policy.principals.some(({ name }) => name !== who.name && name === who.looksLike);
  if (alike || principal?.disabled === true) return false;
  const held = [
    ...(principal?.grants ?? []).filter(({ expires = Infinity }) => expires > now).map(({ role }): string => role),
    ...who.claimed,
  ];
  const rules = policy.roles
    .filter(({ name }) => held.includes(name))
    .flatMap((role) => role.rules)
    .filter(({ expires = Infinity }) => expires > now)
    .filter((rule) => applies(rule, attempt));
  return rules.some(({ effect }) => effect === 'allow') && !rules.some(({ effect }) => effect === 'deny');
}

/** Whether what a policy allows takes a second person by it. */
export function takesApproval({ approvals = [] }: Policy, attempt: Attempt): boolean {
  return attempt.action !== 'approve' && approvals.some((rule) => applies(rule, attempt));
}
