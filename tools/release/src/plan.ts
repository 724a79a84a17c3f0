import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publishablePackages } from '../../pack-check/src/pack.ts';
import { Refusal } from './refusal.ts';

/** The command line of changesets. */
export const CHANGESET: string = createRequire(import.meta.url).resolve('@changesets/cli/bin.js');

/** One package as it would be published. */
export interface Release {
  readonly name: string;
  readonly folder: string;
  readonly version: string;
  /** What CHANGELOG.md says of that version. */
  readonly changelog: string;
  /** What whoever installs it has beside it. */
  readonly peers: Readonly<Record<string, string>>;
}

/**
 * Runs the command line of changesets in `folder`.
 *
 * @throws Refusal with what it printed
 */
export async function changeset(folder: string, ...args: string[]): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [CHANGESET, ...args], { cwd: folder, maxBuffer: 64 * 2 ** 20 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Refusal([`"changeset ${args[0]}" failed, mend what it names:\n${stdout}${stderr}`], { cause: error });
  }
}

/** How many changesets wait for a version. */
export async function pendingChangesets(root: string): Promise<number> {
  const files = await readdir(join(root, '.changeset'));
  return files.filter((file) => file.endsWith('.md') && file !== 'README.md').length;
}

/** The names of the packages that the changesets of `copy` name. */
export async function announcedPackages(copy: string): Promise<Set<string>> {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-changesets-'));
  try {
    const file = join(folder, 'status.json');
    await changeset(copy, 'status', '--output', file);
    const { releases } = JSON.parse(await readFile(file, 'utf8')) as {
      releases: readonly { readonly name: string; readonly changesets: readonly string[] }[];
    };
    return new Set(releases.filter(({ changesets }) => changesets.length > 0).map(({ name }) => name));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** All packages of `copy` with what their changelogs say of their versions; empty where that is nothing. */
export async function releasesOf(copy: string): Promise<Release[]> {
  return Promise.all(
    [...(await publishablePackages(copy))].map(async ([folder, { name, version, peerDependencies: peers = {} }]) => {
      const text = await readFile(join(folder, 'CHANGELOG.md'), 'utf8').catch(() => '');
      return { name, folder, version, changelog: sectionOf(text, version), peers };
    }),
  );
}

function sectionOf(changelog: string, version: string): string {
  const lines = changelog.split('\n');
  const start = lines.indexOf(`## ${version}`);
  if (start === -1) return '';
  const length = lines.slice(start + 1).findIndex((line) => line.startsWith('## '));
  return lines
    .slice(start + 1, length === -1 ? undefined : start + 1 + length)
    .join('\n')
    .trim();
}
