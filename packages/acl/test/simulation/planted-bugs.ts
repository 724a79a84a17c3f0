import type { SourceChange } from '../../../objects/test/simulation/plant.ts';

/** Each takes out one thing that access control over several processes rests on. */
export const PLANTED_BUGS: readonly SourceChange[] = [
  {
    name: 'what was decided outlives the policy',
    file: 'acl/src/control/loaded-access-control.ts',
    edits: [['known?.generation !== generation', 'known === undefined']],
  },
  {
    name: 'sessions do not confirm how recent the policy is',
    file: 'acl/src/control/loaded-access-control.ts',
    edits: [['=> this.#object.confirm(stop)', '=> undefined']],
  },
  {
    name: 'what has expired is remembered',
    file: 'acl/src/policy/permission-cache.ts',
    edits: [[' && now < found.until', '']],
  },
  {
    name: 'a token is looked at only when its session begins',
    file: 'acl/src/guard/checks.ts',
    edits: [[' || lasts !== true', '']],
  },
  {
    name: 'a grant goes on as long as the rules of its role',
    file: 'acl/src/policy/decide.ts',
    edits: [['(expires < rule.expires ? { ...rule, expires } : rule)', 'rule']],
  },
  {
    name: 'a session outlives its token',
    file: 'acl/src/guard/checks.ts',
    edits: [['!(until > now()) || ', '']],
  },
  {
    name: 'a session begins under what was known of its token',
    file: 'acl/src/control/loaded-access-control.ts',
    edits: [['await this.#document.newest(signal);\n    const now = ()', 'const now = ()']],
  },
  {
    name: 'what was read is told though it was taken away meanwhile',
    file: 'acl/src/session/guarded-one.ts',
    edits: [['if (changesNothing(SURFACE[call])) checks.still(call, key, actions);', '']],
  },
  {
    name: 'a batch is told though it was taken away meanwhile',
    file: 'acl/src/session/guarded-many.ts',
    edits: [['(await refusalOf(item.key, still)) ?? item', 'item']],
  },
  {
    name: 'the items of a batch are decided by what was known when it began',
    file: 'acl/src/session/guarded-many.ts',
    edits: [['await checks.ready(call, options?.signal);\n      await check(key);', 'await check(key);']],
  },
  {
    name: 'a stream goes on under what was known when it began',
    file: 'acl/src/session/session-storage.ts',
    edits: [
      [
        "await this.#checks.confirmOpen('retrieveStream', options?.signal);\n        this.#checks.still('retrieveStream'",
        "this.#checks.still('retrieveStream'",
      ],
    ],
  },
  {
    name: 'data are taken under what was known when they began to come',
    file: 'acl/src/session/session-storage.ts',
    edits: [
      [
        "await this.#checks.confirmOpen('store', options?.signal);\n      this.#checks.still('store'",
        "this.#checks.still('store'",
      ],
    ],
  },
  {
    name: 'a listing goes on under what was known when it began',
    file: 'acl/src/session/guarded-listing.ts',
    edits: [
      ['await checks.confirmOpen(call, options?.signal);\n      looked += 1;', 'looked += 1;'],
      [
        'await checks.confirmOpen(call, options?.signal);\n      // What was taken away since',
        '// What was taken away since',
      ],
    ],
  },
  {
    name: 'a change is not in force at once where it was made',
    file: 'objects/src/head/head-follower.ts',
    edits: [['if (state !== undefined) this.#take(state);', '']],
  },
];
