import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packAll, publishablePackages, readManifest } from '../../pack-check/src/pack.ts';
import type { Manifest } from '../../pack-check/src/pack.ts';
import { unannouncedChanges } from './changes.ts';
import { checkoutFindings, copyOf } from './checkout.ts';
import { manifestFindings, workflowFindings } from './manifests.ts';
import { announcedPackages, changeset, pendingChangesets, releasesOf } from './plan.ts';
import type { Release } from './plan.ts';
import { publishedVersions } from './registry.ts';
import { Refusal, refuseFor } from './refusal.ts';
import { tryOut } from './trial.ts';

/** What a release needs from outside. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
  /** Builds every package of a checkout; resolves to whether that went well. */
  readonly build: (root: string) => Promise<boolean>;
  /** Checks the packages of a built checkout as they would be published; resolves to how many checks failed. */
  readonly check: (root: string) => Promise<number>;
  /** Publishes what a checkout has and the registry has not; resolves to whether all of that is there now. */
  readonly publish: (root: string) => Promise<boolean>;
}

/**
 * Releases what the checkout at `root` has and the registry has not, in a copy of it. With `dryRun` nothing is published:
 * the packages are checked and tried out, with the versions that the waiting changesets make.
 *
 * The dry run comes first in the workflow. It installs the newest versions of what users install beside the packages, and
 * runs them. The job that may publish does not: it runs only what the lock file names.
 *
 * @returns the exit code
 */
export async function release(
  root: string,
  { dryRun }: { dryRun: boolean },
  surroundings: Surroundings,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-release-'));
  const { log, publish } = surroundings;
  try {
    const copy = await prepare(root, folder, dryRun, surroundings);
    if (!dryRun) return (await publish(copy)) ? 0 : 1;
    log('Everything holds. This was a dry run: nothing was published.');
    return 0;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    for (const finding of error.findings) log(`✗ ${finding}`);
    log('Nothing was published.');
    return 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Everything but publishing; resolves to the checkout to publish from. */
async function prepare(root: string, folder: string, dryRun: boolean, surroundings: Surroundings): Promise<string> {
  const { log, build, check } = surroundings;
  log('looking at the checkout …');
  const pending = await pendingChangesets(root);
  refuseFor(await findingsIn(root, dryRun, pending, surroundings));

  const copy = join(folder, 'checkout');
  await copyOf(root, copy);
  if (pending > 0) await changeset(copy, 'version');
  const releases = await releasesOf(copy);
  log('asking the registry what is published …');
  const due = await dueAmong(releases, await publishablePackages(root), folder);

  log('building …');
  if (!(await build(copy))) throw new Refusal(['The build failed, see above: mend it.']);
  if (dryRun) {
    const failed = await check(copy);
    if (failed > 0) throw new Refusal([`${failed} checks of the packages failed, see above: mend them.`]);
    const tarballs = await packAll(copy, await mkdtemp(join(folder, 'tarballs-')));
    refuseFor(await tryOut({ root: copy, folder: await mkdtemp(join(folder, 'trial-')), releases, tarballs, log }));
  }

  log(`\n${due.length} of ${releases.length} packages ${dryRun ? 'would be' : 'are to be'} published:`);
  for (const { name, version, changelog } of due) {
    log(`\n${name} ${version}, public, with provenance\n${changelog.replaceAll(/^(?=.)/gm, '    ')}`);
  }
  log('');
  return copy;
}

/** What is wrong before anything is built, all of it at once. */
async function findingsIn(
  root: string,
  dryRun: boolean,
  pending: number,
  { env }: Surroundings,
): Promise<readonly string[]> {
  const packages = await publishablePackages(root);
  const findings = [
    ...(await checkoutFindings(root)),
    ...(await manifestFindings(root, packages)),
    ...(await unannouncedChanges(root, packages, await announcedPackages(root))),
  ];
  if (dryRun) return findings;
  if (pending > 0) {
    findings.push(
      `${pending} changesets are in no version yet: run "npm run release:version" and merge what it writes.`,
    );
  }
  return [...findings, ...workflowFindings(await readManifest(root), env)];
}

/** Those that are not published. */
async function dueAmong(
  releases: readonly Release[],
  before: ReadonlyMap<string, Manifest>,
  folder: string,
): Promise<Release[]> {
  const old = new Map([...before.values()].map(({ name, version }) => [name, version]));
  const due: Release[] = [];
  const findings: string[] = [];
  for (const candidate of releases) {
    const { name, version, changelog } = candidate;
    const exists = (await publishedVersions(name, folder)).includes(version);
    if (!exists) due.push(candidate);
    if (exists && old.get(name) !== version) {
      findings.push(`${name}@${version} exists already: add a changeset that makes a later version of it.`);
    }
    if (!exists && changelog === '') {
      findings.push(
        `CHANGELOG.md of ${name} says nothing of ${version}: say in a changeset what is in it ("npx changeset").`,
      );
    }
  }
  if (due.length === 0) findings.push('Every version exists already, so there is nothing to publish: add a changeset.');
  refuseFor(findings);
  return due;
}
