import { AREAS, generationOf, PROBES } from '@securestore/core-format';
import type { Head } from '@securestore/core-format';
import { entriesUnder } from '../../util/listing.ts';
import type { CollectionPass } from './pass.ts';

const NAMED_BY_HEAD: readonly string[] = [AREAS.keyrings, AREAS.policies, AREAS.checkpoints];

function namedBy({ references }: Head): Set<string> {
  return new Set(Object.values(references).map(({ name }) => name));
}

async function remove({ engine, plan, report, signal }: CollectionPass, name: string, size: number): Promise<void> {
  if (plan === undefined) await engine.backend.delete(name, { signal });
  report.systemObjects += 1;
  report.bytes += size;
}

/**
 * Removes keyrings and the like that the head doesn't name.
 *
 * Each was written for one generation, by a change of the head of the one before. Once the head is at that generation
 * and names another one, the change can't take effect any more, however late it comes: its condition fails. One that
 * was written for a generation to come is left alone.
 */
async function collectNamed(pass: CollectionPass): Promise<void> {
  const { engine, rules, signal } = pass;
  for (const area of NAMED_BY_HEAD) {
    let confirmed: Head | undefined;
    for await (const { key, size, modified } of entriesUnder(engine.backend, area, { signal })) {
      const generation = generationOf(key);
      if (generation === undefined || !rules.isOld(modified)) continue;
      if (confirmed === undefined) {
        await engine.monitor.refresh(signal);
        confirmed = engine.monitor.state.head;
      }
      if (generation <= confirmed.generation && !namedBy(confirmed).has(key)) await remove(pass, key, size);
    }
  }
}

/** Removes what the store keeps for itself and nobody needs any more. */
export async function collectSystemObjects(pass: CollectionPass): Promise<void> {
  const { engine, rules, signal } = pass;
  await collectNamed(pass);
  for await (const { key, size, modified } of entriesUnder(engine.backend, PROBES, { signal })) {
    if (rules.isOld(modified)) await remove(pass, key, size);
  }
}
