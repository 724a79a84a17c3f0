import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** What the compiler says of one of several sources. */
export interface CompileError {
  /** Which source, from 0; `undefined` if the error is about none of them. */
  readonly index: number | undefined;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** Compiles sources as files of the repository, so that packages resolve as they do there. */
export async function errorsIn(root: string, sources: readonly string[]): Promise<CompileError[]> {
  const parent = join(root, '.cache');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'compiled-'));
  try {
    const names = sources.map((_, index) => `example-${index}.ts`);
    await Promise.all(names.map((name, index) => writeFile(join(folder, name), sources[index] ?? '')));
    const compilerOptions = {
      noEmit: true,
      composite: false,
      incremental: false,
      declaration: false,
      declarationMap: false,
      emitDeclarationOnly: false,
      isolatedDeclarations: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
    };
    const config = { extends: '../../tsconfig.base.json', compilerOptions, files: names };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const running = promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['--pretty', 'false', '-p', folder]);
    const { stdout } = await running.catch((error: { readonly stdout: string }) => error);
    return stdout.split('\n').flatMap((text): CompileError[] => {
      const [, index = '', line = '', message = ''] = /example-(\d+)\.ts\((\d+),\d+\): (.*)$/.exec(text) ?? [];
      if (index !== '') return [{ index: Number(index), line: Number(line), message }];
      return text.includes('error') ? [{ index: undefined, line: 1, message: text }] : [];
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}
