import { describe, expect, it } from 'vitest';
import type { TestCase, TestModule, TestSpecification } from 'vitest/node';
import RunReporter from '../src/run-reporter.ts';

/** As much of a finished test as the reporter looks at. */
function testCase(
  name: string,
  state: string,
  more: { note?: string; suite?: string; skip?: string; error?: string } = {},
): TestCase {
  const { note, suite, skip, error } = more;
  const module = { type: 'module', moduleId: '/packages/backend-redis/test/a.test.ts' };
  const parent = suite === undefined ? module : { type: 'suite', name: suite, parent: module };
  const fullName = suite === undefined ? name : `${suite} > ${name}`;
  const project = { getProvidedContext: () => (skip === undefined ? {} : { redis: { skip } }) };
  const errors = error === undefined ? undefined : [new Error(error)];
  const result = (): unknown => ({ state, note, errors });
  return { type: 'test', name, fullName, parent, module, project, result } as unknown as TestCase;
}

const NO_TESTS = { moduleId: '/a.test.ts', children: { allTests: (): TestCase[] => [] }, errors: (): Error[] => [] };

const moduleOf = (...tests: TestCase[]): TestModule =>
  ({ ...NO_TESTS, children: { allTests: () => tests } }) as unknown as TestModule;

function recorder(isTTY: boolean): { reporter: RunReporter; text: () => string; pass: (ms: number) => void } {
  let [text, time] = ['', 0];
  const display = { isTTY, write: (part: string) => void (text += part), now: () => time };
  return { reporter: new RunReporter(display), text: () => text, pass: (ms) => void (time += ms) };
}

const files = (count: number): TestSpecification[] => Array.from<TestSpecification>({ length: count });

describe('the reporter of a run', () => {
  it('says once a minute how far it is, and when it will be done', () => {
    const { reporter, text, pass } = recorder(false);
    reporter.onTestRunStart(files(4));
    pass(10_000);
    reporter.onTestModuleEnd(moduleOf(testCase('a', 'passed')));
    expect(text()).toBe('');
    pass(80_000);
    reporter.onTestModuleEnd(moduleOf(testCase('b', 'passed'), testCase('c', 'failed')));
    expect(text()).toBe('  2 of 4 files, 3 tests, 1 failed; 1 min 30 s, about 1 min 30 s left\n');
  });

  it('changes one line of a terminal, and removes it at the end', () => {
    const { reporter, text, pass } = recorder(true);
    reporter.onTestRunStart(files(2));
    pass(1000);
    reporter.onTestModuleEnd(moduleOf(testCase('a', 'passed')));
    reporter.onTestRunEnd();
    expect(text()).toBe('\r\u001B[K  1 of 2 files, 1 tests; 1 s, about 1 s left\r\u001B[K');
  });

  it('says at once why a test or a file failed, in one line', () => {
    const { reporter, text } = recorder(false);
    reporter.onTestRunStart(files(3));
    reporter.onTestModuleEnd(moduleOf(testCase('b', 'failed', { suite: 'a', error: 'expected 1 to be 2\n\n- 2' })));
    const broken = { ...NO_TESTS, errors: () => [new Error('no such export')] };
    reporter.onTestModuleEnd(broken as unknown as TestModule);
    expect(text()).toBe('  failed: a > b: expected 1 to be 2\n  failed: /a.test.ts: no such export\n');
  });

  it('says what caused an error', () => {
    const { reporter, text } = recorder(false);
    reporter.onTestRunStart(files(3));
    const refused = new Error('connect ECONNREFUSED\nmore');
    const unreachable = new Error('the service cannot be reached', {
      cause: new Error('no answer', { cause: refused }),
    });
    const broken = { ...NO_TESTS, errors: () => [unreachable, new Error('of a string', { cause: 'a string' })] };
    reporter.onTestModuleEnd(broken as unknown as TestModule);
    expect(text()).toBe(
      '  failed: /a.test.ts: the service cannot be reached; caused by: no answer; caused by: connect ECONNREFUSED\n' +
        '  failed: /a.test.ts: of a string\n',
    );
  });

  it('groups what was skipped by the reason that is given in one of these ways', () => {
    const { reporter, text } = recorder(false);
    reporter.onTestRunStart(files(1));
    reporter.onTestModuleEnd(
      moduleOf(
        testCase('a (only npm run torture)', 'skipped'),
        testCase('b', 'skipped', { suite: 'many (skipped: only npm run torture)' }),
        testCase('c', 'skipped', { note: 'not as root', skip: 'no redis-server' }),
        testCase('d', 'skipped', { skip: 'no redis-server' }),
        testCase('e', 'skipped'),
      ),
    );
    reporter.onUserConsoleLog({ content: 'skipped: no server for gcs\nsomething else\n' });
    reporter.onTestRunEnd();
    expect(text().split('\n')).toEqual([
      '  skipped 2: only npm run torture, such as "a (only npm run torture)"',
      '  skipped 1: not as root, such as "c"',
      '  skipped 1: no redis-server, such as "d"',
      '  skipped 1: e',
      '  skipped in part: no server for gcs',
      '',
    ]);
  });
});
