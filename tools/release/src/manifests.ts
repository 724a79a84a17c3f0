import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readManifest } from '../../pack-check/src/pack.ts';
import type { Manifest } from '../../pack-check/src/pack.ts';

const DOCUMENTS: readonly string[] = ['LICENSE', 'README.md'];

/** What the packages lack that everything published has, one line each. */
export async function manifestFindings(root: string, packages: ReadonlyMap<string, Manifest>): Promise<string[]> {
  const url = (await readManifest(root)).repository?.url;
  if (url === undefined) return ['package.json has no "repository.url": write where the sources are published.'];
  return [...packages].flatMap(([folder, manifest]) => findingsOf(relative(root, folder), manifest, url, folder));
}

function findingsOf(place: string, manifest: Manifest, url: string, folder: string): string[] {
  const { repository, publishConfig, license } = manifest;
  const findings = DOCUMENTS.filter((name) => !existsSync(join(folder, name))).map(
    (name) => `There is no ${name}: add it.`,
  );
  if (license === undefined) findings.push('"license" is missing: write "MIT".');
  if (repository?.url !== url || repository.directory !== place) {
    findings.push(`"repository" is not this one: write "url": "${url}", "directory": "${place}".`);
  }
  if (publishConfig?.provenance !== true) {
    findings.push('"publishConfig" does not ask for provenance: write "provenance": true.');
  }
  if (publishConfig?.access !== 'public') {
    findings.push('"publishConfig" does not say who may install it: write "access": "public".');
  }
  return findings.map((finding) => `${place}: ${finding}`);
}

/**
 * Why nothing can be published from here, one line each: provenance is a statement of the workflow that publishes, and
 * names the repository that the packages have to name.
 */
export function workflowFindings(
  { repository }: Pick<Manifest, 'repository'>,
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  if (env['ACTIONS_ID_TOKEN_REQUEST_URL'] === undefined || env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'] === undefined) {
    return [
      'There is no identity to publish by, which only the "release" workflow has (id-token: write): run that workflow; here, "npm run release -- --dry-run" does all but publish.',
    ];
  }
  const here = `${env['GITHUB_SERVER_URL'] ?? ''}/${env['GITHUB_REPOSITORY'] ?? ''}`;
  const named = repository?.url?.replace(/^git\+/, '').replace(/\.git$/, '');
  return named === here
    ? []
    : [`The packages name the repository ${named ?? 'nowhere'} and this is ${here}: write that as "repository.url".`];
}
