import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ARGON2_ONCE } from './derive-once.ts';
import { findExamples } from './examples.ts';
import type { Example } from './examples.ts';

/** An example and the file that it stands in, relative to the root of the repository. */
export interface DocumentExample extends Example {
  readonly document: string;
}

/** Every example of the documentation that is meant to be run. */
export async function documentExamples(root: string): Promise<DocumentExample[]> {
  const documents = globSync(['README.md', 'docs/**/*.md', 'packages/*/README.md'], { cwd: root });
  const examples = documents.map(async (document) =>
    findExamples(await readFile(join(root, document), 'utf8')).map((example) => ({ document, ...example })),
  );
  return (await Promise.all(examples)).flat();
}

/**
 * Runs an example as a file of `folder`, so that packages resolve from there, but in an empty working directory, and
 * resolves to what it prints.
 *
 * @param flags - for Node
 */
export async function outputOf(
  { document, line, code }: DocumentExample,
  folder: string,
  flags: readonly string[] = [],
): Promise<string> {
  const file = join(folder, `${document.replaceAll(/[^a-zA-Z]/g, '-')}-${line}.ts`);
  await mkdir(folder, { recursive: true });
  const cwd = await mkdtemp(join(tmpdir(), 'securestore-example-'));
  const derived = await mkdtemp(join(tmpdir(), 'securestore-derived-'));
  try {
    await writeFile(file, code);
    const env = { ...process.env, ARGON2_ONCE: derived };
    return (await promisify(execFile)(process.execPath, ['--require', ARGON2_ONCE, ...flags, file], { cwd, env }))
      .stdout;
  } finally {
    await rm(file, { force: true });
    await Promise.all([cwd, derived].map((path) => rm(path, { recursive: true })));
  }
}
