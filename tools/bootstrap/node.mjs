import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { SetupError } from './errors.mjs';

/** What the packages need: `crypto.argon2`, `node:sqlite`, `await using`. */
const NEEDED = [24, 7];

/**
 * The Node to run under: the one that npm installed for this platform, or the one running now where npm has none.
 *
 * @param {string} root
 */
export function findNode(root) {
  for (const node of [installedNode(root), process.execPath]) {
    const version = versionOf(node);
    if (version !== undefined && isEnough(version)) return node;
  }
  throw new SetupError(
    `Node ${NEEDED.join('.')} or newer is needed, this is Node ${process.versions.node}, and npm installs none for ` +
      `${process.platform}-${process.arch}. Install one and run the same command again.`,
  );
}

/** @param {string} root */
export function installedNode(root) {
  const windows = process.platform === 'win32';
  const name = `node-${windows ? 'win' : process.platform}-${process.arch}`;
  return join(root, 'node_modules', name, 'bin', windows ? 'node.exe' : 'node');
}

/**
 * The version of the Node at `path`, or `undefined` where none runs: absent, cut short, or for another C library.
 *
 * @param {string} path
 */
function versionOf(path) {
  if (path === process.execPath) return process.versions.node;
  const result = spawnSync(path, ['--version'], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim().replace(/^v/, '') : undefined;
}

/** @param {string} version */
export function isEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [neededMajor = 0, neededMinor = 0] = NEEDED;
  return major > neededMajor || (major === neededMajor && minor >= neededMinor);
}
