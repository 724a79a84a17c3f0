import { rate } from '../measure/measure.ts';
import type { Area, Contender } from '../measure/model.ts';
import { benchPolicy, question } from '../raw/bench-policy.ts';
import type { AccessRival } from '../rivals/access.ts';
import { casbin, casl } from '../rivals/access.ts';
import { prepare } from '../rivals/load.ts';

/** How many questions are asked again and again where decisions may be remembered. */
const REPEATED = 1000;

/** Deciding who may do what, under 100 roles with 500 rules and 1,000 principals. */
export const access: Area = {
  title: 'Access decisions, 100 roles and 1,000 principals',
  async *comparisons({ scale, absent }) {
    const {
      Decider,
      PermissionCache,
      addPrincipal,
      changePolicy,
      grantRole,
      parsePrincipalName,
      setRole,
      EMPTY_POLICY,
    } = await import('@securestore/acl');
    const policy = benchPolicy();
    const roles = new Set(policy.rules.map(({ role }) => role));
    const principals = new Set(policy.grants.map(({ principal }) => principal));
    const decider = new Decider(
      changePolicy(EMPTY_POLICY, [
        ...[...roles].map((name) =>
          setRole(
            name,
            policy.rules
              .filter(({ role }) => role === name)
              .map(({ effect, action, pattern }) => ({ effect, actions: [action], keys: [pattern] })),
          ),
        ),
        ...[...principals].map((name) => addPrincipal(name, 'user')),
        ...policy.grants.map(({ principal, role }) => grantRole(principal, role)),
      ]),
    );
    // A session has its subject, and the cache of it, for as long as it lasts.
    const subjects = new Map([...principals].map((name) => [name, decider.subject(parsePrincipalName(name))]));
    const caches = new Map(
      [...subjects].map(([name, subject]) => [name, new PermissionCache(subject, () => 'default')] as const),
    );
    const plain: AccessRival = {
      name: 'securestore',
      check: (principal, action, key) =>
        subjects.get(principal)?.decide({ action: action as 'read', key, category: 'default' }, Date.now()).allowed ??
        false,
    };
    const cached: AccessRival = {
      name: 'securestore',
      check: (principal, action, key) =>
        caches.get(principal)?.decide({ action: action as 'read', key }, Date.now()).allowed ?? false,
    };
    const [slow, quick, classes] = [
      await prepare('casbin', () => casbin(policy, false), absent),
      await prepare('casbin', () => casbin(policy, true), absent),
      await prepare('CASL', () => casl(policy), absent),
    ];
    const count = Math.ceil(200_000 * scale);
    yield {
      work: 'decide, nothing remembered',
      unit: 'per second',
      contenders: [
        checking(plain, 'ours', count, Infinity),
        ...(slow === undefined ? [] : [checking(slow, 'rival', Math.ceil(count / 200), Infinity)]),
      ],
      targets: [{ bound: 'at least', factor: 200_000 }],
    };
    yield {
      work: 'decide again',
      unit: 'per second',
      contenders: [
        checking(cached, 'ours', count * 5, REPEATED),
        ...(quick === undefined ? [] : [checking(quick, 'rival', count, REPEATED)]),
        ...(classes === undefined ? [] : [checking(classes, 'rival', count, REPEATED)]),
      ],
      targets: [{ bound: 'at least', factor: 2_000_000 }],
    };
  },
};

function checking(rival: AccessRival, role: Contender['role'], count: number, different: number): Contender {
  const questions = Array.from({ length: Math.min(count, different) }, (_, index) => question(index));
  const sample = (): Promise<number> =>
    rate(count, async () => {
      for (let index = 0; index < count; index += 1) {
        const asked = questions[index % questions.length];
        if (asked === undefined) continue;
        const answer = rival.check(asked.principal, asked.action, asked.key);
        // Who answers at once is not made to wait for a turn.
        if (typeof answer !== 'boolean') await answer;
      }
    });
  return { name: rival.name, role, sample };
}
