import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { publishablePackages } from '../../pack-check/src/pack.ts';

const MAIN = 'main';

/** Runs git in `folder`; resolves to what it prints. */
export async function git(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', args, { cwd: folder, maxBuffer: 64 * 2 ** 20 });
  return stdout.trim();
}

/** What is wrong with a checkout that something is to be released from, one line each. */
export async function checkoutFindings(root: string): Promise<string[]> {
  const findings: string[] = [];
  const branch = await git(root, 'rev-parse', '--abbrev-ref', 'HEAD');
  if (branch !== MAIN) {
    findings.push(`This is ${branch === 'HEAD' ? 'no branch' : `the branch ${branch}`}: run "git switch ${MAIN}".`);
  }
  const dirty = await git(root, 'status', '--porcelain');
  if (dirty !== '') findings.push(`The tree is not clean: commit or remove these first:\n${dirty}`);
  if ((await git(root, 'rev-parse', '--is-shallow-repository')) === 'true') {
    findings.push('The history is cut short, so what changed is not known: run "git fetch --unshallow".');
  }
  return findings;
}

/**
 * A copy of what is committed, to compute versions and to build in. What is installed in `root` is linked, but for the
 * packages of the workspace, which are those of the copy.
 */
export async function copyOf(root: string, copy: string): Promise<void> {
  await git(root, 'clone', '--quiet', '--shared', root, copy);
  const installed = join(root, 'node_modules');
  const packages = [...(await publishablePackages(copy))].map(([folder, { name }]) => ({ folder, name }));
  const own = new Set(packages.map(({ name }) => name.split('/')[0]));
  for (const entry of existsSync(installed) ? await readdir(installed) : []) {
    if (!own.has(entry)) await link(join(installed, entry), join(copy, 'node_modules', entry));
  }
  for (const { folder, name } of packages) await link(folder, join(copy, 'node_modules', name));
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path);
}
