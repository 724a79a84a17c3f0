import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
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
    const help = (await runHere(['--help'])).stdout;
    const verbs = [...help.matchAll(/^ {2}([a-z]+) +[<[a-z]/gm)]
      .map(([, verb]) => verb ?? '')
      .filter((verb) => verb !== 'help');
    expect(verbs.length).toBe(47);
    const missing: string[] = [];
    for (const verb of verbs) {
      if (!new RegExp(`^\\| \`${verb}[ \`]`, 'm').test(readme)) missing.push(verb);
      const own = (await runHere([verb, '--help'])).stdout;
      // Options are what begins a line of the help; its examples have others.
      for (const [, option = ''] of own.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)) {
        if (option !== '--help' && !readme.includes(`\`${option}`)) missing.push(`${verb} ${option}`);
      }
    }
    expect(missing).toEqual([]);
  });
});
