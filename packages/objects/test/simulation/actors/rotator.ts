import { SecureStoreError } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import type { ObjectStore, RotationReport } from '../../../src/index.ts';
import type { Dice } from '../dice.ts';
import type { SimulatedProcess } from '../process.ts';
import type { World } from '../world.ts';
import { openPatiently } from './client.ts';

const MAX_TRIES = 5;

async function rotate(
  world: World,
  process: SimulatedProcess,
  store: ObjectStore,
  dice: Dice,
): Promise<RotationReport | undefined> {
  const depth = dice.pick(['keys', 'keys', 'data', 'unlock'] as const);
  world.log.add(process.name, () => `rotates to the depth "${depth}"`);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    try {
      if (tries === 0) return await store.rotateEncryptionKey(world.secrets.rotated, rawKey(dice.bytes(32)), { depth });
      return (await store.jobs.resume('rotation')) as RotationReport;
    } catch (error) {
      if (!SecureStoreError.is(error)) throw error;
      world.log.add(process.name, () => `the rotation stopped: ${error.code}: ${error.message}`);
    }
    await process.clock.sleep(dice.magnitude(100, 60_000));
  }
  return undefined;
}

/** A process that rotates the keys of the store, and goes on with that where it is stopped. */
export async function rotator(world: World, process: SimulatedProcess, dice: Dice, length: number): Promise<void> {
  await world.rest(process, dice, length);
  const opened = await openPatiently(world, process, world.secrets.rotated);
  if (opened === undefined) return;
  const report = await rotate(world, process, opened.store, dice);
  if (report === undefined) return;
  world.log.add(process.name, () => `has rotated: ${JSON.stringify(report)}`);
  const whole = report.failed === 0 && Object.keys(report.remaining).length === 0;
  if (report.depth !== 'unlock' && whole) world.rotated = true;
}
