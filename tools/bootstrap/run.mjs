import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';
import { SetupError } from './errors.mjs';
import { ensureInstalled } from './install.mjs';
import { linkCommand, linkNode } from './link.mjs';
import { findNode } from './node.mjs';
import { runChild } from './process.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Commands that build as one of their stages, to report a failure like any other. */
const BUILDS_ITSELF = new Set(['test', 'test:all']);

/**
 * Scripts of this repository, run straight from their TypeScript, on the packages as built.
 *
 * @type {Readonly<Record<string, string>>}
 */
const SCRIPTS = {
  test: 'tools/checks/src/main.ts',
  'test:all': 'tools/checks/src/main.ts',
  torture: 'tools/checks/src/torture.ts',
  bench: 'tools/bench/src/main.ts',
  fuzz: 'tools/fuzz/src/main.ts',
  conformance: 'tools/conformance/src/main.ts',
  vectors: 'tools/vectors/src/main.ts',
  reference: 'tools/reference/src/main.ts',
  screenshots: 'tools/screenshots/src/main.ts',
  tour: 'tools/tour/src/main.ts',
  'new:backend': 'tools/new-backend/src/main.ts',
  docs: 'tools/docs-site/src/main.ts',
  pack: 'tools/pack-check/src/pack-main.ts',
  release: 'tools/release/src/main.ts',
};

/**
 * Sets the checkout up and runs `command` in it. Returns the exit code.
 *
 * @param {string | undefined} command
 * @param {string[]} args
 */
export async function run(command, args) {
  try {
    await ensureInstalled(root);
    const node = findNode(root);
    linkNode(root, node);
    if (!BUILDS_ITSELF.has(command ?? '')) {
      const code = await build(root, node);
      if (code !== 0) return code;
    }
    linkCommand(root, node);
    return await dispatch(node, command, args);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`securestore: ${error.message}`);
    return 1;
  }
}

/**
 * @param {string} node
 * @param {string | undefined} command
 * @param {string[]} args
 */
function dispatch(node, command, args) {
  if (command === 'start' && args.length > 0) {
    // Relative paths are meant from where the user stands, not from the root to which npm moves.
    return runChild(node, [commandLine(), ...args], { cwd: process.env.INIT_CWD ?? process.cwd() });
  }
  const script = SCRIPTS[command === 'start' ? 'tour' : (command ?? '')];
  if (script === undefined || !existsSync(join(root, script))) {
    throw new SetupError(`there is no "${command}" here; known are start, ${Object.keys(SCRIPTS).join(', ')}.`);
  }
  const more = command === 'test:all' ? ['--all'] : [];
  return runChild(node, [join(root, script), ...more, ...args], { cwd: root });
}

function commandLine() {
  const manifest = JSON.parse(readFileSync(join(root, 'packages/cli/package.json'), 'utf8'));
  const file = manifest.bin?.securestore;
  if (file === undefined) throw new SetupError('packages/cli/package.json names no "securestore" command.');
  return join(root, 'packages/cli', file);
}
