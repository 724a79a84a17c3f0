import { readFile } from 'node:fs/promises';
import { type Operation, formatOperations, parseOperations } from '../operations/operation.ts';
import { randomOperations } from '../operations/random-operations.ts';
import { reduceOperations } from '../operations/reduce-operations.ts';
import { OperationError, runOperations } from '../operations/run-operations.ts';
import type { Concern, TestContext } from '../support/types.ts';

/** How many operations are shown of a log that doesn't fail again. */
const SHOWN = 25;

async function failureOf({ elsewhere }: TestContext, operations: readonly Operation[]): Promise<unknown> {
  return runOperations(await elsewhere(), operations).then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function explain(context: TestContext, operations: readonly Operation[], error: OperationError): Promise<string> {
  const shorter = await reduceOperations(
    operations,
    error.at,
    async (log) => (await failureOf(context, log)) !== undefined,
  );
  const shown = shorter ?? operations.slice(Math.max(0, error.at + 1 - SHOWN), error.at + 1);
  const what = shorter === undefined ? 'the last of them' : 'these alone fail, too';
  const log = formatOperations(shown).replaceAll(/^(?=.)/gm, '  ');
  return (
    `${error.message}\nat operation ${error.at + 1} of ${operations.length} with seed ${context.seed}; ${what}, ` +
    `as lines for SECURESTORE_TESTKIT_OPERATIONS=<file>:\n${log}`
  );
}

/** Random operations through two handles against a map that does what the contract says. */
export const model: Concern = {
  name: 'model',
  tests: [
    {
      name: 'random operations do what a plain map does',
      run: async (context) => {
        const file = process.env['SECURESTORE_TESTKIT_OPERATIONS'];
        const operations = file
          ? parseOperations(await readFile(file, 'utf8'))
          : randomOperations(context.seed, context.operations);
        try {
          await runOperations(context.open, operations);
        } catch (error) {
          if (!(error instanceof OperationError)) throw error;
          throw new Error(await explain(context, operations, error), { cause: error });
        }
      },
    },
  ],
};
