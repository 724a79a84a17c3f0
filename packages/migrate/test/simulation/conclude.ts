import { createHash } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import { AREAS } from '@securestore/core-format';
import { lastCollection } from '../../../objects/test/simulation/actors/collector.ts';
import { openPatiently } from '../../../objects/test/simulation/actors/client.ts';
import { lastReading } from '../../../objects/test/simulation/actors/consumer.ts';
import { inspect } from '../../../objects/test/simulation/actors/inspector.ts';
import { observer } from '../../../objects/test/simulation/actors/observer.ts';
import { moveOnce } from './migrator.ts';
import type { MigrationWorld } from './world.ts';

async function contentsOf(backend: StorageBackend): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  for (const area of [AREAS.objects, AREAS.history, AREAS.blobs]) {
    for (const { key } of (await backend.list(area)).entries) {
      const body = (await backend.read(key))?.body ?? new Uint8Array();
      contents.set(key, createHash('sha256').update(body).digest('hex'));
    }
  }
  return contents;
}

/** Nothing has changed since the store has moved: both places hold the same. */
async function compare(world: MigrationWorld): Promise<void> {
  const [one, two] = await Promise.all(world.sites.map(({ backend }) => contentsOf(backend)));
  if (one === undefined || two === undefined) return;
  for (const name of new Set([...one.keys(), ...two.keys()])) {
    if (one.get(name) === two.get(name)) continue;
    const how = !one.has(name)
      ? 'is only in the second place'
      : two.has(name)
        ? 'differs'
        : 'is only in the first place';
    world.complain(`${name} ${how} after the last move`);
  }
}

/** Moves the store once more, when nobody uses it, and looks at it there. */
async function lastMove(world: MigrationWorld): Promise<void> {
  const places = [world.site, world.otherSite] as const;
  const process = world.startProcess('last migrator', { skew: 0, drift: 0 });
  const report = await moveOnce(world, process, places);
  world.report(process, report, places);
  if (!report.migrated || world.site !== places[1]) world.complain('the store could not be moved in the end');
}

async function verify(world: MigrationWorld): Promise<void> {
  const opened = await openPatiently(world, world.startProcess('verifier', { skew: 0, drift: 0 }));
  const report = await opened?.store.verify({ payloads: true });
  for (const { name, kind, message } of world.unexplained(report?.findings ?? [])) {
    world.complain(`verifying: ${kind} ${name}: ${message}`);
  }
}

/** What comes when nothing happens any more. */
export async function conclude(world: MigrationWorld): Promise<void> {
  const { scheduler, plan, ledgers } = world;
  const alone = async (actor: Promise<void>): Promise<void> => {
    actor.catch((error: unknown) => world.complain(`an actor failed in the end: ${String(error)}`));
    await scheduler.run();
  };
  world.calm = true;
  await alone(observer(world, plan.habits.keys));
  for (const ledger of ledgers) await alone(lastReading(world, ledger));
  if (plan.days) await alone(lastCollection(world));
  await alone(inspect(world, plan.days).then((remains) => void (world.remains = remains)));
  await alone(lastMove(world));
  await alone(compare(world));
  await alone(verify(world));
  await alone(observer(world, plan.habits.keys, 'last observer'));
}
