import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
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
  try {
    await writeFile(file, code);
    return (await promisify(execFile)(process.execPath, [...flags, file], { cwd })).stdout;
  } finally {
    await rm(file, { force: true });
    await rm(cwd, { recursive: true });
  }
}
