import { relative } from 'node:path';
import type { Manifest } from '../../pack-check/src/pack.ts';
import { git } from './checkout.ts';

/** What npm publishes without being asked. */
const ALWAYS: readonly string[] = ['package.json', 'README.md', 'LICENSE'];

/**
 * The packages whose published files changed since their version was set and that no changeset names, one line each.
 *
 * @param announced - the names of packages that a changeset names
 */
export async function unannouncedChanges(
  root: string,
  packages: ReadonlyMap<string, Manifest>,
  announced: ReadonlySet<string>,
): Promise<string[]> {
  const findings: string[] = [];
  for (const [folder, { name, files = [] }] of packages) {
    if (announced.has(name)) continue;
    const place = relative(root, folder);
    const versioned = await git(root, 'log', '-1', '--format=%H', '-G^ *"version":', '--', `${place}/package.json`);
    const paths = [...ALWAYS, ...files].map((file) => `${place}/${file}`);
    const changed = await git(root, 'diff', '--name-only', versioned, 'HEAD', '--', ...paths);
    if (changed === '') continue;
    const list = changed.split('\n').join(', ');
    findings.push(
      `${name} changed since its version was set, and no changeset says what: run "npx changeset" (${list}).`,
    );
  }
  return findings;
}
