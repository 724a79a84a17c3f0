import type { KeyWrapperSubject, KeyWrapperTest } from './key-service/key-wrapper-contract.ts';
import { KEY_WRAPPER_TESTS } from './key-service/key-wrapper-contract.ts';

export type { KeyWrapperSubject, KeyWrapperTest } from './key-service/key-wrapper-contract.ts';
export { FAULTY_KEY_WRAPPERS } from './key-service/faulty-key-wrappers.ts';
export type { FaultyKeyWrapper } from './key-service/faulty-key-wrappers.ts';
export { memoryKeyService } from './key-service/memory-key-service.ts';
export type { MemoryKeyService } from './key-service/memory-key-service.ts';

/** What {@link describeKeyWrapper} uses of a test runner: Vitest, Jest, `node:test`, Mocha and Bun have it in this form. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: {
    (name: string, body: () => Promise<void>): unknown;
    skip(name: string, body: () => Promise<void>): unknown;
  };
}

/** How one test ended. */
export type KeyWrapperResult = { readonly test: string } & (
  | { readonly status: 'passed' }
  | { readonly status: 'failed'; readonly error: string }
  | { readonly status: 'skipped'; readonly reason: string }
);

/** Why a test can't be run; `undefined` where it can. */
function missing({ needs }: KeyWrapperTest, subject: KeyWrapperSubject): string | undefined {
  return needs === undefined || subject[needs] !== undefined ? undefined : `${needs}() is not given`;
}

/**
 * Declares the contract of key wrappers with a test runner. A test is skipped only for what the subject can't be brought
 * into, and its name says so.
 */
export function describeKeyWrapper({ describe, it }: TestRunner, subject: KeyWrapperSubject): void {
  describe(`${subject.name}: contract of key wrappers`, () => {
    for (const test of KEY_WRAPPER_TESTS) {
      const reason = missing(test, subject);
      const body = (): Promise<void> => test.run(subject);
      if (reason === undefined) it(test.name, body);
      else it.skip(`${test.name} (skipped: ${reason})`, body);
    }
  });
}

/** Tests a key wrapper without a test runner, one test after the other; it never throws for one that fails. */
export async function checkKeyWrapper(subject: KeyWrapperSubject): Promise<KeyWrapperResult[]> {
  const results: KeyWrapperResult[] = [];
  for (const test of KEY_WRAPPER_TESTS) {
    const reason = missing(test, subject);
    results.push(
      reason === undefined
        ? { test: test.name, ...(await outcomeOf(test, subject)) }
        : { test: test.name, status: 'skipped', reason },
    );
  }
  return results;
}

async function outcomeOf(
  test: KeyWrapperTest,
  subject: KeyWrapperSubject,
): Promise<{ readonly status: 'passed' } | { readonly status: 'failed'; readonly error: string }> {
  try {
    await test.run(subject);
    return { status: 'passed' };
  } catch (error) {
    return { status: 'failed', error: error instanceof Error ? error.message : String(error) };
  }
}
