import { AREAS } from '@securestore/core-format';
import type { Stage } from './stage.ts';
import { SECOND } from './stage.ts';

const { history, objects } = AREAS;

/** An object is stored, and copied to the history, after a purge has found nothing and before it looks into the history. */
async function storedBesidePurge(stage: Stage): Promise<void> {
  const { dice } = stage;
  const purger = await stage.player('purger');
  const owner = await stage.player('owner');
  const held = { name: 'held on its way', arrivals: [dice.between(SECOND, 2 * SECOND)], answer: stage.latency() };
  const looks = purger.meets({ operation: 'list', prefix: history }, held);
  const purged = purger.do('a', { type: 'purge' });
  await looks;
  await owner.store('a', dice.pick([12, 40_000]));
  const late = { ...held, arrivals: [dice.between(3 * SECOND, 8 * SECOND)] };
  const sent = owner.meets({ operation: 'write', prefix: objects }, late);
  const deleted = owner.do('a', { type: 'delete' });
  await sent;
  await purged;
  await stage.pass(100);
  await purger.do('a', { type: 'retrieve' });
  await deleted;
}

export const HISTORIES = {
  'an object is stored while its purge finds nothing': storedBesidePurge,
} as const;
