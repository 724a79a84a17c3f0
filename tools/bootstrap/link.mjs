import { existsSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localBin } from './process.mjs';

/**
 * Makes `node_modules/.bin/node` the Node that this checkout runs under. (npm before 11 leaves it out when several
 * packages, one a platform, have that command; and where npm has no Node for a platform, it is the user's own.)
 *
 * @param {string} root
 * @param {string} node
 */
export function linkNode(root, node) {
  if (process.platform === 'win32') return;
  const link = join(localBin(root), 'node');
  if (existsSync(link) && realpathSync(link) === realpathSync(node)) return;
  rmSync(link, { force: true });
  symlinkSync(node, link);
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
