import { AREAS, parseStoreKey, splitRecord } from '@securestore/core-format';
import type { Engine } from '../../src/engine/engine.ts';
import { Follower } from './followers.ts';
import type { Process, World } from './journals.ts';
import { namesUnder, worldOf } from './journals.ts';

export const tokenOf = (engine: Engine, key: string): string => engine.names.locate(parseStoreKey(key)).token;

/** The versions of all objects, as they lie there. */
export async function versionsAt(engine: Engine): Promise<Map<string, number>> {
  const names = await namesUnder(engine, AREAS.objects);
  const read = async (name: string): Promise<[string, number]> => {
    const body = (await engine.backend.read(name))?.body ?? Buffer.alloc(0);
    return [name.slice(AREAS.objects.length), splitRecord(body).header.version];
  };
  return new Map(await Promise.all(names.map(read)));
}

export interface Scene extends Process {
  readonly world: World;
  readonly follower: Follower;
}

/** A store with some objects and a consumer that knows them. */
export async function scene(): Promise<Scene> {
  const world = await worldOf({ journal: false });
  const process = await world.start();
  await process.store.store('before', 'x');
  const { engine } = await world.start();
  const follower = await Follower.open(engine, world.clock);
  await follower.follow();
  world.clock.advance(6000);
  return { world, follower, ...process };
}
