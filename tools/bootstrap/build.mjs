import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { GO_ENVIRONMENT, runChild } from './process.mjs';

/** For the compiler. Each checker checks the imports of its project again: one instead of four takes half of the processor time, since projects are small. */
export const CHECKERS = ['--checkers', '1'];

/**
 * Compiles every package into its `dist`: the compiler checks and writes the declarations, the bundler the code.
 * Returns the exit code.
 *
 * @param {string} root
 * @param {string} node
 */
export async function build(root, node) {
  forgetLostOutputs(root);
  /** @type {import('node:child_process').SpawnOptions} */
  const options = {
    cwd: root,
    env: { ...process.env, ...GO_ENVIRONMENT },
    stdio: ['ignore', process.stderr, 'inherit'],
  };
  const compiled = await runChild(
    node,
    [join(root, 'node_modules/@typescript/native/bin/tsc'), '-b', 'tsconfig.packages.json', ...CHECKERS],
    options,
  );
  if (compiled !== 0) return compiled;
  return runChild(node, [join(root, 'tools/bootstrap/bundle.mjs'), '--all', root], options);
}

/**
 * The compiler trusts its build record and doesn't look whether the outputs are still there, so the record of a
 * package whose outputs were deleted goes too.
 *
 * @param {string} root
 */
function forgetLostOutputs(root) {
  for (const name of readdirSync(join(root, 'packages'))) {
    const folder = join(root, 'packages', name);
    if (!existsSync(join(folder, 'dist/index.d.ts'))) rmSync(join(folder, '.cache'), { recursive: true, force: true });
  }
}
