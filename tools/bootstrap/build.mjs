import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localBin, runChild } from './process.mjs';

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

/**
 * Makes `node_modules/.bin/securestore` the command line of this checkout under the right Node, whatever Node the
 * `PATH` has.
 *
 * @param {string} root
 * @param {string} node
 */
export function linkCommand(root, node) {
  if (process.platform === 'win32') return;
  const manifest = JSON.parse(readFileSync(join(root, 'packages/cli/package.json'), 'utf8'));
  const target = manifest.bin?.securestore;
  if (target === undefined) return;
  const link = join(localBin(root), 'securestore');
  const script = `#!/bin/sh\nexec ${quote(node)} ${quote(join(root, 'packages/cli', target))} "$@"\n`;
  if (existsSync(link) && readFileSync(link, 'utf8') === script) return;
  // npm's own link leads to the source file, which must not be written through.
  rmSync(link, { force: true });
  writeFileSync(link, script, { mode: 0o755 });
}

/** @param {string} text */
function quote(text) {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
