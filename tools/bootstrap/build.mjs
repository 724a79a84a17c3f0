import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runChild } from './process.mjs';

/**
 * Compiles every package into its `dist`. Returns the exit code.
 *
 * @param {string} root
 * @param {string} node
 */
export function build(root, node) {
  forgetLostOutputs(root);
  const compiler = join(root, 'node_modules/@typescript/native/bin/tsc');
  return runChild(node, [compiler, '-b'], { cwd: root, stdio: ['ignore', process.stderr, 'inherit'] });
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
    if (!existsSync(join(folder, 'dist/index.js'))) rmSync(join(folder, '.cache'), { recursive: true, force: true });
  }
}
