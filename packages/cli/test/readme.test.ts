import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ProgramHelp } from '../src/help/describe.ts';
import { COMMAND, sandbox } from './support/cli.ts';
import { runHere } from './support/in-process.ts';

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');

describe('the README', () => {
  it('has an example that runs', async () => {
    const box = await sandbox('none');
    const example = /```sh run\n([^]*?)```/.exec(readme)?.[1] ?? '';
    expect(example.split('\n').length).toBeGreaterThan(5);
    const command = COMMAND.map((part) => `'${part}'`).join(' ');
    const script = `set -eu\nsecurestore() { ${command} "$@"; }\n${example}`;
    const { stdout } = await promisify(execFile)('bash', ['-c', script], { cwd: box.path(), env: box.env });
    expect(stdout).toContain('fingerprint: ');
    expect(stdout).toMatch(/s3cr3t.*SIZE/s);
    expect(stdout).toMatch(/it works\n$/);
  });

  it('names every verb and every option of every verb', async () => {
    const { commands } = JSON.parse((await runHere(['help', '--json'])).stdout) as ProgramHelp;
    const missing = commands
      .filter(({ name }) => name !== 'help')
      .flatMap(({ name, options, commands: actions }) => [
        ...(new RegExp(`^\\| \`${name}[ \`]`, 'm').test(readme) ? [] : [name]),
        ...actions.map((action) => action.name).filter((action) => !new RegExp(`\\b${action}\\b`).test(readme)),
        ...[options, ...actions.map((action) => action.options)]
          .flat()
          .map(({ long }) => long)
          .filter((long) => !new RegExp(`\`(?:[a-z]+ )*${long}\\b`).test(readme)),
      ]);
    expect(commands.length).toBeGreaterThan(40);
    expect(missing).toEqual([]);
  });
});
