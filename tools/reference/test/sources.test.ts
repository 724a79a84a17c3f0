import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROUTES } from '@securestore/server';
import { describe, expect, it } from 'vitest';
import { FURTHER_ACTIONS } from '../../../packages/acl/src/administration/further-actions.ts';
import { ABOUT_OBJECTS } from '../../../packages/acl/src/rules/for-callers.ts';
import { ENVIRONMENT } from '../../../packages/cli/src/options/environment-help.ts';
import { DEFAULTS as THRESHOLDS } from '../../../packages/health/src/report/thresholds.ts';
import { DEFAULTS as LIMITS } from '../../../packages/server/src/limits/limits.ts';
import { errorsOf } from '../src/facts/call-errors.ts';
import { COMMAND_CALLS } from '../src/facts/command-calls.ts';
import { FURTHER } from '../src/facts/further.ts';
import { commandsIn, programHelp } from '../src/pages/commands.ts';
import { membersOf } from '../src/facts/tsdoc.ts';
import { ALERT_VARIABLES, BACKEND_VARIABLES, RUN_VARIABLES, TEST_VARIABLES } from '../src/facts/variables.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The text of files that match patterns. */
function textOf(...patterns: readonly string[]): string {
  return globSync(patterns, { cwd: root, exclude: ['**/node_modules/**'] })
    .filter((path) => !path.startsWith('tools/reference/'))
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .join('\n');
}

const namesIn = (text: string, pattern: RegExp): string[] =>
  [...new Set(text.match(pattern))].toSorted((a, b) => (a < b ? -1 : 1));

const UNITS: Readonly<Record<string, number>> = {
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  TiB: 2 ** 40,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
};

/** The number that a comment means, such as by `16 KiB`. */
function amountIn(text: string): number {
  const [, number = '', unit] = /^([\d.,]+)(?: (\w+))?$/.exec(text) ?? [];
  return Number(number.replaceAll(',', '')) * (unit === undefined ? 1 : (UNITS[unit] ?? Number.NaN));
}

describe('the commands', () => {
  const commands = new Map(commandsIn(programHelp().commands));

  it('are those of the command line, each with the calls that it makes', () => {
    const leaves = [...commands].filter(([, { commands: actions }]) => actions.length === 0).map(([path]) => path);
    const named = new Set(Object.keys(COMMAND_CALLS).map((name) => name.replace(/ (?:--|[A-Z]).*$/, '')));
    expect([...named].toSorted()).toEqual(leaves.toSorted());
  });

  it.each(Object.keys(COMMAND_CALLS).filter((name) => name.includes(' --')))('%s has this option', (name) => {
    const [path = '', option = ''] = name.split(' --');
    expect(commands.get(path)?.options.map(({ long }) => long)).toContain(`--${option}`);
  });
});

describe('the variables', () => {
  const known = [
    ...ENVIRONMENT.map(({ name }) => name),
    ...[...RUN_VARIABLES, ...ALERT_VARIABLES].map(([name]) => name),
  ];

  it('of users are those that the packages name', () => {
    const text = textOf('packages/*/src/**/*.{ts,tsx}');
    const tests = new Set(TEST_VARIABLES.map(([name]) => name));
    const found = namesIn(text, /\bSECURESTORE_[A-Z_]*[A-Z]\b/g).filter((name) => !tests.has(name));
    expect(found).toEqual(known.filter((name) => name.startsWith('SECURESTORE_')).toSorted());
    for (const [name] of BACKEND_VARIABLES) expect(text).toContain(`'${name}'`);
  });

  it('of tests are those that tests and tools name', () => {
    const text = textOf('{packages,tools}/*/{src,test}/**/*.{ts,mjs}', 'tools/*/*.mjs', '*.ts', '.github/**/*.yml');
    const tests = TEST_VARIABLES.map(([name]) => name);
    const found = namesIn(text, /\bSECURESTORE_(?:TEST|BENCH|S(?:EED|ERVICES|EARCH)|BUNDLED)[A-Z0-9_]*\b/g);
    expect(found).toEqual(tests.toSorted());
  });
});

describe('the defaults in comments', () => {
  const limits = membersOf(root, 'packages/server/src/limits/limits.ts', 'ServerLimits');
  const thresholds = membersOf(root, 'packages/health/src/report/thresholds.ts', 'HealthThresholds');

  it.each(limits)('limits.$name is $fallback', ({ name, fallback = '' }) => {
    expect(amountIn(fallback)).toBe(LIMITS[name as keyof typeof LIMITS]);
  });

  it.each(thresholds)('thresholds.$name is $fallback', ({ name, fallback = '' }) => {
    const value = THRESHOLDS[name as keyof typeof THRESHOLDS];
    if (value === undefined) expect(fallback).toMatch(/ of the (?:store|last scrub),/);
    else expect(amountIn(fallback)).toBe(value);
  });

  it('are missing from no limit', () => {
    expect(limits.map(({ name }) => name)).toEqual(Object.keys(LIMITS));
    expect(thresholds.map(({ name }) => name)).toEqual(Object.keys(THRESHOLDS));
  });
});

describe('further actions', () => {
  it('are told of each call that needs one', () => {
    const calls = new Set<string>(FURTHER.map(([call]) => call));
    for (const call of [...Object.keys(FURTHER_ACTIONS), ...Object.keys(ABOUT_OBJECTS)])
      expect([...calls]).toContain(call);
  });

  it.each(ROUTES.filter(({ further }) => further !== undefined))(
    'of $method $path are these',
    ({ access, further = [] }) => {
      const told = FURTHER.filter(([call]) => call === access).map(([, action]) => action);
      expect(told.toSorted()).toEqual(further.toSorted());
    },
  );
});

it('errors of a call are those of its comment, and of the calls that the comment refers to', () => {
  expect(errorsOf(root, 'setMetadata')).toEqual(['NOT_FOUND', 'CONFLICT']);
  expect(errorsOf(root, 'approvals.deny')).toEqual(errorsOf(root, 'approvals.approve'));
  expect(errorsOf(root, 'backup')).toContain('ALREADY_EXISTS');
});

interface Described {
  readonly description?: string;
  readonly title?: string;
}

it.each(ROUTES)('$method $path describes each field', ({ query, body }) => {
  const schemas = [query, typeof body === 'object' ? body.json : undefined] as readonly unknown[];
  const fields = schemas.flatMap((schema) =>
    Object.entries((schema as { properties?: Record<string, Described> } | undefined)?.properties ?? {}),
  );
  const missing = fields.filter(([, { description }]) => description === undefined).map(([name]) => name);
  expect(missing).toEqual([]);
});
