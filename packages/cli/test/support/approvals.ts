import type { TestContext } from 'vitest';
import { type Result, sandbox } from './cli.ts';
import { runHere } from './in-process.ts';
import { serving } from './serving.ts';

export interface ApprovalScene {
  readonly source: string;
  readonly url: (name: string) => string;
  readonly path: (name: string) => string;
  /** Runs a command over the server. */
  readonly as: (who: 'ann' | 'ben', ...args: string[]) => Promise<Result>;
}

/**
 * A served store with one snapshot, in which `db/user` has changed since; ann may do everything, and ben approves.
 *
 * @param actions what takes the approval of a second person
 * @param refused what ann may not do at all
 */
export async function approvalScene(
  { onTestFinished, expect }: Pick<TestContext, 'onTestFinished' | 'expect'>,
  actions: string,
  refused?: string,
): Promise<ApprovalScene> {
  const box = await sandbox('sqlite', onTestFinished);
  const source = `file:${box.path('backups')}`;
  const made = async (args: readonly string[], input?: string): Promise<string> => {
    const result = await box.run(args, { ...(input !== undefined && { input }) });
    expect(result, result.stderr).toMatchObject({ exitCode: 0 });
    return result.stdout.trim();
  };
  await made(['put', 'db/user'], 'first');
  await made(['backup', source]);
  await made(['put', 'db/user'], 'second');
  await made(['role', 'add', 'everything', '--allow', '*', ...(refused === undefined ? [] : ['--deny', refused])]);
  await made(['role', 'add', 'approver', '--allow', 'approve']);
  await made(['grant', 'ann', 'everything']);
  await made(['grant', 'ben', 'approver']);
  await made(['approval', 'add', actions]);
  const tokens = { ann: await made(['token', 'new', 'ann']), ben: await made(['token', 'new', 'ben']) };
  const { url } = await serving(box, [], onTestFinished);
  const as: ApprovalScene['as'] = (who, ...args) =>
    runHere(args, { env: { SECURESTORE_URL: url, SECURESTORE_TOKEN: tokens[who], HOME: box.path() } });
  return { source, url: (name) => `sqlite:${box.path(name)}`, path: box.path, as };
}
