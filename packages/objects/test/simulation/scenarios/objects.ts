import { AREAS } from '@securestore/core-format';
import type { Stage } from './stage.ts';
import { DAY, MINUTE, SECOND } from './stage.ts';

/** The first to store an object again that was purged and forgotten has a clock from before all of that. */
async function storedByWrongClock(stage: Stage): Promise<void> {
  const owner = await stage.player('owner');
  await owner.store('a');
  await owner.do('a', { type: 'purge' });
  await stage.pass(1.1 * DAY);
  await (await stage.collector('collector')).collect();
  const writer = await stage.player('writer', -3 * DAY * stage.dice.float());
  await stage.pass(10 * SECOND);
  await writer.store('a');
}

/** Somebody stores an object that was purged before whoever purges it knows that it is. */
async function storedWhilePurged(stage: Stage): Promise<void> {
  const { dice } = stage;
  const owner = await stage.player('owner');
  await owner.store('a', dice.pick([12, 40_000]));
  const purger = await stage.player('purger');
  const writer = await stage.player('writer');
  const fails = { after: dice.magnitude(SECOND, 10 * SECOND), certain: false };
  const fate = { name: 'answer lost', arrivals: [stage.latency()], fails };
  const sent = purger.meets({ operation: 'write', prefix: AREAS.objects }, fate);
  const purged = purger.do('a', { type: 'purge' });
  await sent;
  await stage.pass(100);
  await writer.do('a', { type: 'store', size: 12, ifAbsent: true });
  await purged;
}

/** An object is purged before whoever has stored it knows that it has. */
async function purgedInDoubt(stage: Stage): Promise<void> {
  const { dice } = stage;
  const owner = await stage.player('owner');
  if (dice.chance(0.5)) await owner.store('a');
  const writer = await stage.player('writer');
  const fails = { after: dice.magnitude(2 * SECOND, 10 * SECOND), certain: false };
  const fate = { name: 'answer lost', arrivals: [stage.latency()], fails };
  const sent = writer.meets({ operation: 'write', prefix: AREAS.objects }, fate);
  const stored = writer.do('a', { type: 'store', size: 12 });
  await sent;
  await stage.pass(100);
  await owner.do('a', { type: 'retrieve' });
  await owner.do('a', { type: 'purge' });
  await stored;
}

/** What a process remembers of an object is from before a rotation of data sealed it anew, though the key is the same. */
async function sealedAnewWhileRemembered(stage: Stage): Promise<void> {
  const writer = await stage.player('writer');
  const rotator = await stage.player('rotator', 0);
  const counted = rotator.stopsAt({ operation: 'list', prefix: AREAS.objects });
  const rotated = rotator.rotate('data');
  await counted;
  await writer.do('a', { type: 'retrieve' });
  await writer.store('a', 40_000);
  rotator.process.goOn();
  await rotated;
  const other = await stage.player('other');
  await other.do('a', { type: 'delete' });
  await writer.do('a', { type: 'delete' });
  await other.do('a', { type: 'undelete' });
}

/** A process that was idle during a rotation finds what landed after it, under the key that it has retired. */
async function lateWriteMet(stage: Stage): Promise<void> {
  const { dice } = stage;
  const idle = await stage.player('idle');
  const writer = await stage.player('writer');
  const late = { name: 'late', arrivals: [dice.between(10, 20) * MINUTE] };
  const sent = writer.meets({ operation: 'write', prefix: AREAS.objects }, late);
  void writer.do('a', { type: 'store', size: 12 });
  await sent;
  writer.process.kill();
  const rotator = await stage.player('rotator', 0);
  await rotator.rotate('keys');
  await stage.pass(20 * MINUTE);
  // Nothing is there for whoever knows the new keys, so one of both must succeed: the first.
  await idle.do('a', { type: 'store', size: dice.pick([12, 40_000]), ifAbsent: true });
  await rotator.do('a', { type: 'store', size: 12, ifAbsent: true });
}

export const OBJECTS = {
  'an object is sealed anew while a process remembers it': sealedAnewWhileRemembered,
  'an object is purged while its record is in doubt': purgedInDoubt,
  'a purged object is stored again by a clock that is wrong': storedByWrongClock,
  'an object is stored again while its purge is in doubt': storedWhilePurged,
  'an idle process meets what landed under a retired key': lateWriteMet,
} as const;
