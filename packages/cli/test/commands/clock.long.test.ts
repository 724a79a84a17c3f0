import { lutimesSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withMachineClock } from '../../../backend-testkit/src/support/machine-clock.ts';
import { jsonLines, sandbox } from '../support/cli.ts';
import { runBeside } from '../support/in-process.ts';

const MINUTE = 60_000;
const MONTH: number = 30 * 24 * 60 * MINUTE;

/** A store whose clock is ahead, as a machine with a wrong clock leaves it. */
async function ahead(milliseconds: number) {
  const box = await sandbox('file');
  await box.seed({ a: '1' });
  const file = box.path('vault', '+clock');
  const time = (Date.now() + milliseconds) / 1000;
  lutimesSync(file, time, time);
  return { box, file };
}

describe('clock', () => {
  it('says that the clocks agree', async () => {
    const box = await sandbox('sqlite');
    expect(await box.run(['clock'])).toMatchObject({
      exitCode: 0,
      stdout: 'the clocks of this machine and of the store agree\n',
    });
    const reset = await box.run(['clock', 'reset', '--json']);
    expect(jsonLines(reset.stdout)).toMatchObject([{ canReset: true }]);
    expect((await box.run(['clock', 'set'])).exitCode).toBe(2);
  });

  it('sets a store back that is a month ahead, as the error and health advise; nothing is lost', async () => {
    const { box, file } = await ahead(MONTH);
    const refused = await box.run(['put', 'b'], { input: 'x' });
    expect(refused.exitCode).toBe(7);
    expect(refused.stderr).toMatch(
      /clock of the store is \d+ s ahead of this machine's[^]*\nhint: .*securestore clock reset/,
    );
    const sick = await box.run(['health']);
    expect(sick).toMatchObject({ exitCode: 7, stdout: expect.stringContaining('securestore clock reset') });
    expect((await box.run(['clock'])).stdout).toMatch(
      /^the clock of the store is 7\d\d h \d+ min ahead of this machine's\n$/,
    );
    const unasked = await box.run(['clock', 'reset']);
    expect(unasked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Nothing was changed.') });
    expect(await box.run(['clock', 'reset', '--yes'])).toMatchObject({ exitCode: 0 });
    expect(statSync(file).mtimeMs).toBeLessThan(Date.now() + MINUTE);
    expect((await box.run(['put', 'b'], { input: 'x' })).exitCode).toBe(0);
    expect((await box.run(['get', 'a'])).stdout).toBe('1');
    expect((await box.run(['verify'])).exitCode).toBe(0);
  });

  it('of a process that is a month ahead is what health finds, and nothing is written', async () => {
    const box = await sandbox('sqlite');
    await box.seed({ a: '1' });
    const sick = await withMachineClock(async (machine) => {
      machine.set(MONTH);
      // In this process, whose clock it is.
      return runBeside(box.path(), ['health'], { env: box.env, input: '' });
    });
    expect(sick).toMatchObject({
      exitCode: 7,
      stdout: expect.stringMatching(/failing +clock .*this machine is ahead/),
    });
    expect((await box.run(['put', 'b'], { input: 'x' })).exitCode).toBe(0);
  });

  it('that is a few minutes ahead keeps nobody from backing up', async () => {
    const { box } = await ahead(5 * MINUTE);
    const { exitCode, stderr } = await box.run(['backup', `file:${box.path('backups')}`]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  });
});
