import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);

/** Runs the first TypeScript example of a README as a program of its own. */
async function runExample(readme: URL, folder: string): Promise<string> {
  const [, code] = /```ts(?: run)?\n([\s\S]*?)```/.exec(await readFile(readme, 'utf8')) ?? [];
  if (code === undefined) throw new Error(`no example in ${readme.pathname}`);
  const args = ['--conditions=@securestore/source', '--no-warnings', '--input-type=module-typescript', '--eval'];
  const program = code.replaceAll('./vault.db', join(folder, 'vault.db'));
  const { stdout } = await run(process.execPath, [...args, program], { cwd: import.meta.dirname });
  return stdout;
}

it.each([
  ['securestore', '../README.md', "s3cr3t { owner: 'ops' }\n[ 'db/prod/password' ]\n"],
  ['@securestore/objects', '../../objects/README.md', 'hello\n'],
  ['@securestore/jobs', '../../jobs/README.md', 'sum 5050\nadding 100 100\n'],
])('the example of %s prints what it should', async (_name, readme, expected) => {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-readme-'));
  try {
    expect(await runExample(new URL(readme, import.meta.url), folder)).toBe(expected);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
