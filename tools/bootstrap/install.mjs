import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SetupError } from './errors.mjs';
import { withLock } from './lock.mjs';
import { outerPath, runChild } from './process.mjs';

/** Inside `node_modules`, so that whoever removes or replaces that folder removes it too. */
const STAMP = '.securestore-installed';

/**
 * Installs what the lock file names, unless that is already there whole; then it touches neither disk nor network.
 *
 * @param {string} root
 * @param {import('node:child_process').StdioOptions} [stdio] for npm; stdout belongs to the command that the user asked for
 */
export async function ensureInstalled(root, stdio = ['ignore', process.stderr, 'inherit']) {
  if (isInstalled(root)) return;
  await withLock(join(root, '.cache'), 'install', async () => {
    // Another process may have installed while this one waited.
    if (!isInstalled(root)) await install(root, stdio);
  });
}

/**
 * @param {string} root
 * @param {import('node:child_process').StdioOptions} stdio
 */
async function install(root, stdio) {
  console.error('securestore: installing the packages of package-lock.json (about 700 MB) …');
  const modules = join(root, 'node_modules');
  rmSync(join(modules, STAMP), { force: true });
  const [program, ...leading] = npmCommand();
  const args = [
    'ci',
    // None is needed, and an older npm does not know the setting of package.json.
    '--ignore-scripts',
    '--loglevel=error',
    '--prefer-offline',
    '--include=dev',
    '--include=optional',
    '--no-engine-strict',
  ];
  let code;
  try {
    code = await runChild(program, [...leading, ...args], {
      cwd: root,
      stdio,
      env: { ...process.env, PATH: outerPath(root) },
      shell: process.platform === 'win32' && leading.length === 0,
    });
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
    throw new SetupError('npm was not found; it comes with Node. Install it and run the same command again.');
  }
  if (code !== 0) {
    throw new SetupError(
      `"npm ci" failed with exit code ${code} (see above). The first run needs a package registry; run the same command again, it starts afresh.`,
    );
  }
  if (missingPackage(root) !== undefined) {
    throw new SetupError(
      `"npm ci" ended well without installing ${missingPackage(root)}; look at npm's configuration.`,
    );
  }
  writeFileSync(join(modules, STAMP), fingerprint(root));
}

/**
 * npm as it was called, or the one on the `PATH`; never with the Node inside the `node_modules` that it replaces.
 *
 * @returns {[string, ...string[]]}
 */
function npmCommand() {
  const running = process.env.npm_execpath;
  return running !== undefined && basename(running) === 'npm-cli.js' ? ['node', running] : ['npm'];
}

/** @param {string} root */
function isInstalled(root) {
  const stamp = join(root, 'node_modules', STAMP);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint(root) && missingPackage(root) === undefined;
}

/** @param {string} root */
function fingerprint(root) {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}\n`;
}

/**
 * The first package that npm's own record of the folder names and that is not there.
 *
 * @param {string} root
 */
function missingPackage(root) {
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return 'anything';
  const { packages } = JSON.parse(readFileSync(record, 'utf8'));
  return Object.keys(packages).find((path) => !existsSync(join(root, path, 'package.json')));
}
