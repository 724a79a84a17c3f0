import { describe, expect, it } from 'vitest';
import { jsonLines, sandbox } from './support/cli.ts';
import { runHere } from './support/in-process.ts';

const KEY = 'a\u202egnp.exe\u200b';
const ESCAPED = 'a\\u{202e}gnp.exe\\u{200b}';

describe('a name that does not read as it is stored', () => {
  it.each([['ls'], ['ls', '--long'], ['info', KEY]])(
    'is escaped on a terminal and raw on a pipe: %s %s',
    async (...args) => {
      const box = await sandbox();
      await box.seed({ [KEY]: 'x' });
      const env = { ...box.env, SECURESTORE_URL: `sqlite:${box.path('vault')}` };
      const terminal = await runHere([...args, '--no-anchor'], { env, terminal: true });
      expect(terminal.stdout).toContain(ESCAPED);
      expect(terminal.stdout).not.toMatch(/\p{Cf}/u);
      const pipe = await runHere([...args, '--no-anchor'], { env });
      expect(pipe.stdout).toContain(KEY);
      const [line] = jsonLines((await runHere([...args, '--no-anchor', '--json'], { env, terminal: true })).stdout);
      expect(line).toMatchObject({ key: KEY });
    },
  );

  it.each(['get', 'info', 'history', 'rm', 'undelete'])('is escaped in an error of %s', async (command) => {
    const box = await sandbox();
    const env = { ...box.env, SECURESTORE_URL: `sqlite:${box.path('vault')}` };
    const { exitCode, stderr } = await runHere([command, KEY, '--no-anchor'], { env });
    expect(exitCode).toBe(3);
    expect(stderr).toContain(ESCAPED);
    expect(stderr).not.toMatch(/\p{Cf}/u);
  });
});
