import { CONCERNS, chooseSeed, decide, inspect, runTest } from './suite.ts';
import type { ConformanceOptions } from './support/types.ts';

/** What the suite uses of a test runner: Vitest, Jest, `node:test`, Mocha and Bun have it in this form. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it: {
    (name: string, body: () => Promise<void>): unknown;
    skip(name: string, body: () => Promise<void>): unknown;
  };
  /** Taken so that a runner's exports can be passed as they are; the suite asserts with `node:assert`. */
  readonly expect?: unknown;
}

/**
 * Declares the conformance suite with a test runner. A test is skipped only for a capability that the backend declares
 * absent or a thing that its fixture can't do; the reason stands in its name. Await it at the top level of the test
 * file: it first opens two fixtures, to learn what the backend declares and whose clock it goes by.
 */
export async function describeBackend(runner: TestRunner, options: ConformanceOptions): Promise<void> {
  const subject = await inspect(options);
  const seed = chooseSeed(options);
  runner.describe(`${options.name}: backend contract`, () => {
    for (const concern of CONCERNS) {
      runner.describe(concern.name, () => {
        for (const test of concern.tests) {
          const decision = decide(test, subject);
          if (decision === undefined) continue;
          const body = async (): Promise<void> => runTest(test, options, seed);
          if (decision === 'run') runner.it(test.name, body);
          else runner.it.skip(`${test.name} (skipped: ${decision.skip})`, body);
        }
      });
    }
  });
}
