import { describe, it } from 'vitest';
import { withCategory } from '../support/category.ts';
import { jsonLines } from '../support/cli.ts';

// Both wait for other processes.
describe.concurrent('keys destroy without a waiting period', { timeout: 120_000 }, () => {
  it('says what is gone', async (context) => {
    const { expect } = context;
    const run = await withCategory(context);
    const gone = await run(['key', 'destroy', 'pii', '--wait', '0s', '--yes']);
    expect(gone.exitCode).toBe(0);
    expect(gone.stderr).toMatch(
      /^Every object of the category pii becomes unreadable at once: 2 versions in all, .*\nThere is no waiting period, /,
    );
    expect(gone.stdout).toMatch(
      /^[0-9a-f]{16} of pii: destroyed\ndestroyed for ever: what the category pii held cannot be read any more, here or in any copy; there is no way back\n$/,
    );
  });

  it('says it with --json in the report alone', async (context) => {
    const { expect } = context;
    const run = await withCategory(context);
    const gone = await run(['key', 'destroy', 'default', '--wait', '0s', '--yes', '--json']);
    expect(jsonLines(gone.stdout)).toMatchObject([{ category: 'default', state: 'destroyed' }]);
  });
});
