import { fileURLToPath } from 'node:url';
import { ROUTES } from '@securestore/server';
import { describe, expect, it } from 'vitest';
import { INSTRUMENTS } from '../../../packages/health/src/metrics/instruments.ts';
import { publicNames } from '../src/words/public-names.ts';
import type { Exception } from '../src/words/terms.ts';
import { unexcused, violationsIn, wordsOf } from '../src/words/terms.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));

/** The packages whose names are for users. The format keeps its own words, and so do its cryptography and the testkit. */
const PACKAGES = [
  'acl',
  'adapter-kit',
  'audit',
  'backend-api',
  'backup',
  'client',
  'health',
  'jobs',
  'keyv',
  'migrate',
  'objects',
  'protocol',
  'securestore',
  'server',
  'unstorage',
].map((name) => `packages/${name}`);

const EXCEPTIONS: readonly Exception[] = [
  { at: /^acl:ApprovalDesk\.seal$/, reason: 'binds a plan to what it does not show: no user data is encrypted' },
  { at: /^adapter-kit:Folder\.(?:root|place)$/, reason: 'the top of a folder, and to place a path in it' },
  { at: /^audit:AuditArea\.(?:follow|seal)$/, reason: 'the side of the store, which has the words of the format' },
  { at: /^audit:TailOptions\.follow$/, reason: 'of a tail, as of tail -f' },
  {
    at: /^backup:(?:OpenedBackup|verifyOpenedBackup)$/,
    reason: 'a backup that is open, and not one that is decrypted',
  },
  { at: /^backup:Reached\.point$/, reason: 'stored as it is' },
  { at: /^backup:DrillFacts\.problems$/, reason: 'stored and signed in receipts' },
  { at: /^health:PastScrub\.strays$/, reason: 'stored in the state of scrubs' },
  { at: /^objects:AnchorRecord\.instance$/, reason: 'stored by anchors as it is' },
  { at: /^objects:RotationReport\.retired$/, reason: 'the state of key versions, and no step of a migration' },
  { at: /^protocol:(?:fromProblem|PROBLEM_TYPE|toProblem|Problem)$/, reason: 'application/problem+json of RFC 9457' },
];

const named = PACKAGES.flatMap((folder) => publicNames(root, folder));

describe('public names', () => {
  it('use the terms of the project', () => {
    expect(named.length).toBeGreaterThan(1500);
    const violations = violationsIn(named);
    expect(unexcused(violations, EXCEPTIONS)).toEqual([]);
    const unused = EXCEPTIONS.filter(({ at }) => !violations.some((one) => at.test(one.at)));
    expect(unused).toEqual([]);
  });

  it('that use another word are found, exported or a member, at any depth', () => {
    const files: Readonly<Record<string, string>> = {
      [`${root}packages/x/src/index.ts`]:
        "export type { A, B } from './a.ts';\nexport { keepOldSide } from './a.ts';\n",
      [`${root}packages/x/src/a.ts`]: [
        'interface Hidden { readonly upkeep: boolean }',
        'export interface A { readonly ok: { readonly strays: number }; acceptHead?(): void; readonly recoveryPoints: number }',
        'export interface B { readonly location: string; readonly replaced: boolean; whichPlace(): void; stop(): void }',
        'export function keepOldSide(): void { const problems = 1; }',
      ].join('\n'),
    };
    const found = violationsIn(publicNames(root, 'packages/x', (path) => files[path] ?? ''));
    expect(unexcused(found, [])).toEqual([
      'x:A.strays: say foreign object, not "strays"',
      'x:A.acceptHead: say rollback, not "accept head"',
      'x:B.location: say store URL, not "location"',
      'x:B.whichPlace: say store URL, destination, source or target, not "place"',
      'x:B.stop: say close or cancel, not "stop"',
      'x:keepOldSide: say migrate, not "old side"',
    ]);
    expect(unexcused(found, [{ at: /^x:/, reason: 'planted' }])).toEqual([]);
  });

  it('are taken apart into words', () => {
    expect(['acceptHead', 'RPOGap', '/v1/key-versions/{id}', 'SECURESTORE_URL'].map(wordsOf)).toEqual([
      'accept head',
      'rpo gap',
      'v1 key versions id',
      'securestore url',
    ]);
  });
});

it('routes of the server, their queries and their bodies use the terms of the project', () => {
  const fieldsOf = (schema: unknown): string[] => {
    if (typeof schema !== 'object' || schema === null) return [];
    const { properties } = schema as { readonly properties?: object };
    const own = typeof properties === 'object' ? Object.keys(properties) : [];
    return [...own, ...Object.values(schema).flatMap(fieldsOf)];
  };
  const names = ROUTES.flatMap(({ method, path, query, body, answer }) => {
    const at = `${method} ${path}`;
    return [path, ...[query, body, answer].flatMap(fieldsOf)].map((name) => ({ at, name }));
  });
  expect(names.length).toBeGreaterThan(ROUTES.length * 2);
  expect(unexcused(violationsIn(names), [])).toEqual([]);
  expect(unexcused(violationsIn([{ at: 'GET /v1/points/{key}', name: '/v1/points/{key}' }]), [])).toHaveLength(1);
});

it('metrics use the terms of the project', () => {
  const names = INSTRUMENTS.map(({ name }) => ({ at: name, name }));
  expect(unexcused(violationsIn(names), [])).toEqual([]);
  const planted = [{ at: 'audit.problems', name: 'audit.problems' }];
  expect(unexcused(violationsIn(planted), [])).toEqual([
    'audit.problems: say finding, alert or failure, not "problems"',
  ]);
});
