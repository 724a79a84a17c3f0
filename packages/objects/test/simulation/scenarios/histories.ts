import { AREAS } from '@securestore/core-format';
import type { Stage } from './stage.ts';
import { DAY, HOUR, SECOND } from './stage.ts';

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

/** A writer sleeps before it learns what became of its copy, until what it copied has been replaced and collected. */
async function sleepsOnItsCopy(stage: Stage): Promise<void> {
  const { dice } = stage;
  const owner = await stage.player('owner');
  const version = await owner.store('a', 40_000);
  const writer = await stage.player('writer');
  const sent = writer.meets(
    { operation: 'write', prefix: history },
    {
      name: 'the last before it stops',
      arrivals: [stage.latency()],
      fails: { after: SECOND, certain: false },
      stops: { how: dice.pick(['pause', 'suspend'] as const) },
    },
  );
  const stored = writer.do('a', { type: 'store', size: 12 });
  await sent;
  await stage.pass(SECOND);
  await owner.store('a');
  await stage.pass(1.1 * DAY);
  await (await stage.collector('collector')).collect();
  writer.process.goOn();
  await stored;
  await owner.do('a', { type: 'restoreVersion', version });
}

/** What replaces a version lands long after it was numbered, and somebody who has read that version before still has to copy it. */
async function replacedLate(stage: Stage): Promise<void> {
  const owner = await stage.player('owner');
  const version = await owner.store('a', 40_000);
  const stopped = await stage.player('stopped');
  const copies = stopped.stopsAt({ operation: 'write', prefix: history });
  void stopped.do('a', { type: 'store', size: 12 });
  await copies;
  stopped.process.kill();
  await stage.pass(1.1 * DAY);
  const writer = await stage.player('writer');
  const numbered = writer.stopsAt({ operation: 'read', prefix: objects });
  const stored = writer.do('a', { type: 'store', size: 12, ifVersion: version });
  await numbered;
  await stage.pass(10.5 * HOUR);
  const fate = { name: 'held on its way', arrivals: [11.5 * HOUR], answer: stage.latency() };
  const sent = writer.meets({ operation: 'write', prefix: objects }, fate);
  writer.process.goOn();
  await sent;
  await stage.pass(10 * HOUR);
  const sleeper = await stage.player('sleeper');
  const seen = sleeper.stopsAt({ operation: 'read', prefix: objects });
  const deleted = sleeper.do('a', { type: 'delete', ifVersion: version });
  await seen;
  await stored;
  await stage.pass(stage.dice.between(3, 8) * HOUR);
  await (await stage.collector('collector')).collect();
  sleeper.process.goOn();
  await deleted;
  await owner.do('a', { type: 'restoreVersion', version });
}

/** A version is collected when a restore of it has sent its record, of which it learns nothing, and which lands later. */
async function collectedInDoubt(stage: Stage): Promise<void> {
  const { dice } = stage;
  const owner = await stage.player('owner');
  const version = await owner.store('a', dice.pick([12, 40_000]));
  await owner.store('a');
  await stage.pass(1.1 * DAY);
  const restorer = await stage.player('restorer');
  const late = {
    name: 'late',
    arrivals: [dice.between(1, 8) * HOUR],
    fails: { after: SECOND, certain: false },
    stops: { how: dice.pick(['pause', 'suspend'] as const) },
  };
  const sent = restorer.meets({ operation: 'write', prefix: objects }, late);
  const restored = restorer.do('a', { type: 'restoreVersion', version });
  await sent;
  await stage.pass(SECOND);
  await (await stage.collector('collector')).collect();
  restorer.process.goOn();
  await restored;
}

export const HISTORIES = {
  'a version is collected while its restore is in doubt': collectedInDoubt,
  'what replaces a version lands late': replacedLate,
  'a writer sleeps on its copy until its record is collected': sleepsOnItsCopy,
  'an object is stored while its purge finds nothing': storedBesidePurge,
} as const;
