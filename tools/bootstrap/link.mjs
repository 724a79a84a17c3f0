import { existsSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
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
  symlinkSync(fromBin(root, node) ?? node, link);
}

/**
 * The path from `node_modules/.bin` to what lies in the checkout, so that a checkout which is moved or copied as a whole
 * goes on working; `undefined` for what lies elsewhere.
 *
 * @param {string} root
 * @param {string} path
 */
function fromBin(root, path) {
  return relative(root, path).startsWith('..') ? undefined : relative(localBin(root), path);
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
  const script = [
    '#!/bin/sh',
    'self=$0',
    '[ -L "$self" ] && self=$(readlink -f "$self")',
    `exec ${shellPath(root, node)} ${shellPath(root, join(root, 'packages/cli', target))} "$@"`,
    '',
  ].join('\n');
  if (existsSync(link) && readFileSync(link, 'utf8') === script) return;
  // npm's own link leads to the source file, which must not be written through.
  rmSync(link, { force: true });
  writeFileSync(link, script, { mode: 0o755 });
}

/**
 * @param {string} root
 * @param {string} path
 */
function shellPath(root, path) {
  const inside = fromBin(root, path);
  return inside === undefined ? quote(path) : `"\${self%/*}"/${quote(inside)}`;
}

/** @param {string} text */
function quote(text) {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
