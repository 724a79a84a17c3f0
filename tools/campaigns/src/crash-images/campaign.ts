import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pick, type RandomBelow, seededRandom } from '../../../../packages/backend-testkit/src/support/random.ts';
import type { Disk } from './disk.ts';
import { imageAt } from './image.ts';
import type { Recording } from './recording.ts';

/** How much is tried. */
export interface CampaignOptions {
  /** How many images. */
  readonly images: number;
  /** Of all choices. By default that of this run of the tests. */
  readonly seed?: number;
}

/**
 * Cuts the power of a recorded process at random moments, leaves in its folder what may be left then, and checks that.
 *
 * @param check what must hold, given what was acknowledged before the cut; it may change the folder
 * @throws Error what `check` throws, with the seed, the last steps and what was not flushed
 */
export async function checkImages(
  recording: Recording,
  { images, seed = Number(process.env['SECURESTORE_TESTKIT_SEED']) }: CampaignOptions,
  check: (said: readonly string[]) => Promise<void>,
): Promise<void> {
  for (let image = 0; image < images; image++) {
    const below = seededRandom(seed + image);
    const { disk, said, story } = imageAt(recording, cutOf(recording, below), below);
    layOut(disk, recording.root);
    try {
      await check(said);
    } catch (error) {
      throw new Error(`image ${image} of SECURESTORE_TESTKIT_SEED=${seed}, ${story}\n${String(error)}`, {
        cause: error,
      });
    }
  }
}

/** As often right after something was acknowledged as anywhere. */
function cutOf({ steps }: Recording, below: RandomBelow): number {
  const acknowledged = steps.flatMap(({ type }, at) => (type === 'said' ? [at + 1] : []));
  return acknowledged.length > 0 && below(2) === 0 ? pick(below, acknowledged) : below(steps.length + 1);
}

/** Makes a folder what it is on a disk. Its owner alone may use what is in it. */
function layOut(disk: Disk, root: string): void {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
  for (const [path, file] of disk.paths()) {
    if (file === undefined) mkdirSync(join(root, path), { mode: 0o700 });
    else {
      writeFileSync(join(root, path), file.bytes, { mode: 0o600 });
      utimesSync(join(root, path), file.time, file.time);
    }
  }
}
