import type { KeyTest } from '@securestore/core-format';
import { compilePattern } from '@securestore/core-format';
import type { Action } from '../rules/actions.ts';
import type { ApprovalRequest } from '../approval/approval-requests.ts';
import { bitOf, bitsOf } from '../rules/actions.ts';
import type { PrincipalName } from '../rules/identity.ts';
import { foldPrincipalName } from '../rules/identity.ts';
import type { ApprovalRule, Policy, Principal, Rule } from '../rules/types.ts';

/** Whether somebody may do something, and why. */
export interface Decision {
  readonly allowed: boolean;
  /** Whether it also takes the approval of a second person each time. */
  readonly needsApproval: boolean;
  /** The last two only where a session tells of what it was asked for: `allowed` is `false` then. */
  readonly reason: 'rule' | 'no rule' | 'disabled' | 'unknown principal' | 'no approval' | 'own request';
  /** The rule that decided, where one did: its role, and its place among the rules of the role. */
  readonly rule?: { readonly role: PrincipalName; readonly index: number };
  /** When it was made, in milliseconds since 1970. Of a time before, which a clock that is set back says, it tells nothing. */
  readonly since: number;
  /** Until when it holds by itself: then something that was looked at expires. */
  readonly until: number;
  /** The approvals that an attempt has used up, where a session tells of one. */
  readonly approvals?: readonly ApprovalRequest[];
}

/** What is asked to be done. */
export interface Attempt {
  readonly action: Action;
  /** The name of the object; absent for what concerns the whole store. */
  readonly key?: string | undefined;
  /** The category of the object. */
  readonly category?: string | undefined;
}

/** Which attempts something is about. */
interface CompiledScope {
  readonly bits: number;
  /** What the names of `keys` begin with. */
  readonly prefixes: readonly string[];
  readonly keys: readonly KeyTest[] | undefined;
  readonly categories: ReadonlySet<string> | undefined;
}

interface CompiledRule extends CompiledScope {
  readonly role: PrincipalName;
  readonly index: number;
  readonly deny: boolean;
  readonly expires: number;
}

/** Whom rules are about. */
export interface Subject {
  readonly principal: PrincipalName;
  /** Whoever is disabled may do nothing. */
  readonly isDisabled?: boolean | undefined;
  decide(attempt: Attempt, now: number): Decision;
  /**
   * What the names begin with on which rules may allow an action: none of other names is allowed. Without it that is not known.
   *
   * @param now milliseconds since 1970
   */
  readonly prefixes?: (action: Action, now: number) => readonly string[];
}

function compileScope({ actions, keys, categories }: ApprovalRule): CompiledScope {
  return {
    bits: actions.reduce((bits, pattern) => bits | bitsOf(pattern), 0),
    keys: keys?.map(compilePattern),
    prefixes: keys?.map((pattern) => pattern.slice(0, `${pattern}*`.indexOf('*'))) ?? [''],
    categories: categories && new Set(categories),
  };
}

function compileRule(role: PrincipalName, rule: Rule, index: number): CompiledRule {
  return { role, index, ...compileScope(rule), deny: rule.effect === 'deny', expires: rule.expires ?? Infinity };
}

/** A rule about some keys says nothing about what concerns the whole store. */
function isAbout(scope: CompiledScope, segments: readonly string[] | undefined, category: string | undefined): boolean {
  const { keys, categories } = scope;
  if (categories !== undefined && (category === undefined || !categories.has(category))) return false;
  if (keys === undefined) return true;
  return segments !== undefined && keys.some((fits) => fits(segments));
}

const nobody = (principal: PrincipalName, reason: 'disabled' | 'unknown principal'): Subject => ({
  principal,
  isDisabled: reason === 'disabled',
  prefixes: () => [],
  decide: (_attempt, since) => ({ allowed: false, needsApproval: false, reason, since, until: Infinity }),
});

/** Denying rules lie before the allowing ones, so the first that fits decides. */
function subjectOf(
  principal: PrincipalName,
  rules: readonly CompiledRule[],
  needsApproval: (attempt: Attempt) => boolean,
): Subject {
  return {
    principal,
    prefixes(action, now) {
      const bit = bitOf(action);
      const allowing = rules.filter(({ bits, deny, expires }) => !deny && (bits & bit) !== 0 && expires > now);
      return allowing.flatMap(({ prefixes }) => prefixes);
    },
    decide(attempt, now) {
      const { action, key, category } = attempt;
      const bit = bitOf(action);
      let segments: readonly string[] | undefined;
      let until = Infinity;
      for (const rule of rules) {
        if ((rule.bits & bit) === 0 || rule.expires <= now) continue;
        if (rule.expires < until) until = rule.expires;
        if (rule.keys !== undefined && key !== undefined) segments ??= key.split('/');
        if (!isAbout(rule, segments, category)) continue;
        const { role, index, deny } = rule;
        return {
          allowed: !deny,
          needsApproval: !deny && needsApproval(attempt),
          reason: 'rule',
          rule: { role, index },
          since: now,
          until,
        };
      }
      return { allowed: false, needsApproval: false, reason: 'no rule', since: now, until };
    },
  };
}

/** A policy made ready for decisions. Deny wins, and what nothing allows is denied. */
export class Decider {
  readonly #roles: ReadonlyMap<PrincipalName, readonly CompiledRule[]>;
  readonly #principals: ReadonlyMap<string, Principal>;
  readonly #approvals: readonly CompiledScope[];

  constructor({ roles, principals, approvals = [] }: Policy) {
    this.#approvals = approvals.map(compileScope);
    this.#roles = new Map(
      roles.map(({ name, rules }) => [name, rules.map((rule, index) => compileRule(name, rule, index))]),
    );
    this.#principals = new Map(principals.map((principal) => [foldPrincipalName(principal.name), principal]));
  }

  /**
   * The one whom a name means, with the roles that whoever vouches for the name says in addition, such as the claims of a
   * token. A name that only looks like a known one, by case or form, is nobody's.
   */
  subject(name: PrincipalName, claimed: readonly PrincipalName[] = []): Subject {
    const principal = this.#principals.get(foldPrincipalName(name));
    if (principal === undefined && claimed.length === 0) return nobody(name, 'unknown principal');
    if (principal !== undefined && principal.name !== name) return nobody(name, 'unknown principal');
    if (principal?.disabled === true) return nobody(name, 'disabled');
    const granted = (principal?.grants ?? []).flatMap(({ role, expires = Infinity }) =>
      this.#rulesOf(role).map((rule) => (expires < rule.expires ? { ...rule, expires } : rule)),
    );
    const rules = [...granted, ...claimed.flatMap((role) => this.#rulesOf(role))];
    const ordered = [...rules.filter(({ deny }) => deny), ...rules.filter(({ deny }) => !deny)];
    return subjectOf(name, ordered, (attempt) => this.#needsApproval(attempt));
  }

  #needsApproval({ action, key, category }: Attempt): boolean {
    if (this.#approvals.length === 0 || action === 'approve') return false;
    const bit = bitOf(action);
    const segments = key?.split('/');
    return this.#approvals.some((scope) => (scope.bits & bit) !== 0 && isAbout(scope, segments, category));
  }

  #rulesOf(role: PrincipalName): readonly CompiledRule[] {
    return this.#roles.get(role) ?? [];
  }
}
