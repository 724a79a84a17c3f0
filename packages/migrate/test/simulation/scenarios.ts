import { AREAS, HEAD_NAME, historyPrefix, objectName, workPrefix } from '@securestore/core-format';
import { DAY, SECOND } from '../../../objects/test/simulation/scenarios/stage.ts';
import { listOnce } from './lister.ts';
import type { MoveScenarioName } from './scenario-plans.ts';
import { MoveStage } from './stage.ts';

const { objects, journal, history } = AREAS;

/** Payloads in the record, in a part, and in two. */
const SIZES = [12, 40_000, 100_000] as const;

/**
 * A writer has told the journal, and learns that this was heard when another thread has followed the store: all that it has read is of the
 * place that was left. It may die as soon as its record is on its way.
 */
async function heldUpBeforeItsRecord(stage: MoveStage): Promise<void> {
  const { dice, from, to } = stage;
  const writer = await stage.player('writer');
  const { process } = writer;
  if (dice.chance(0.3)) await writer.store('a');
  const { moved } = stage.move();
  await stage.isAboutToClose();
  // It learns that it is to tell the journal.
  await writer.do('b', { type: 'has' });
  const sent = stage.meets(process, from, { operation: 'write', prefix: journal }, stage.answeredAfterwards());
  const stored = writer.do('a', { type: 'store', size: dice.pick(SIZES) });
  await sent;
  const dies = dice.chance(0.5);
  if (dies) stage.diesAt(process, to, { operation: 'write', prefix: objects });
  await stage.follows(writer);
  if (!dies) await stored;
  await moved;
}

/** A writer has changed an object just before the store closed, and can not look at it where the store is when it is about to learn that. */
async function learnsAfterItsRecord(stage: MoveStage): Promise<void> {
  const { dice, from, to } = stage;
  const writer = await stage.player('writer');
  const { process } = writer;
  const { moved } = stage.move();
  await stage.isAboutToClose();
  await writer.do('b', { type: 'has' });
  const sent = stage.meets(process, from, { operation: 'write', prefix: objects }, stage.answeredAfterwards());
  const stored = writer.do('a', { type: 'store', size: dice.pick(SIZES) });
  await sent;
  const read = { operation: 'read', prefix: objectName(stage.tokenOf('a')) } as const;
  for (let times = 1 + dice.below(4); times > 0; times--) stage.refuses(process, to, read);
  await stage.follows(writer);
  await stored;
  await moved;
  await (await stage.player('reader')).do('a', { type: 'retrieve' });
}

/** An object of one version was buried just before the store closed. Whoever does that learns of it when others may have stored it anew. */
async function learnsAfterItsBurial(stage: MoveStage): Promise<void> {
  const { dice, from } = stage;
  const owner = await stage.player('owner');
  await owner.store('a', dice.pick(SIZES));
  const purger = await stage.player('purger');
  const { moved } = stage.move();
  await stage.isAboutToClose();
  await purger.do('b', { type: 'has' });
  const sent = stage.meets(purger.process, from, { operation: 'write', prefix: objects }, stage.answeredAfterwards());
  const purged = purger.do('a', { type: 'purge' });
  await sent;
  await stage.follows(purger);
  if (dice.chance(0.5)) await owner.do('a', { type: 'store', size: 12, ifAbsent: true });
  await purged;
  await moved;
}

/** Who was idle while the store moved lists it when others have changed it where it is now. */
async function idleWhileItMoves(stage: MoveStage): Promise<void> {
  const { dice, world } = stage;
  const owner = await stage.player('owner');
  const isThere = dice.chance(0.5);
  if (isThere) await owner.store('a');
  const idle = await stage.player('idle');
  await stage.move().moved;
  await stage.follows(owner);
  if (isThere) await owner.do('a', { type: dice.pick(['delete', 'purge'] as const) });
  else await owner.store('a');
  await stage.pass(100);
  const store = world.followers.get('idle')?.store;
  if (store !== undefined) await listOnce(world, idle.process, store);
  await idle.do('a', { type: 'retrieve' });
}

/**
 * Who was idle while the store moved changes an object where it was, and can not find out what became of that: nothing, since this was never
 * in the store. The next time it may die, or be refused, before it takes back what it has copied of that.
 */
async function writerIsIdleWhileItMoves(stage: MoveStage): Promise<void> {
  const { dice, to } = stage;
  const owner = await stage.player('owner');
  await owner.store('a');
  const idle = await stage.player('idle');
  const { process } = idle;
  await stage.move().moved;
  await stage.pass(dice.magnitude(1, 10) * SECOND);
  // One read for what it has written, one for what became of it.
  const read = { operation: 'read', prefix: objectName(stage.tokenOf('a')) } as const;
  for (let times = 2; times > 0; times--) stage.refuses(process, to, read);
  await idle.do('a', { type: 'store', size: 40_000 });
  const dies = dice.chance(0.5);
  if (dies) stage.diesAt(process, to, { operation: 'write', prefix: history });
  else stage.refuses(process, to, { operation: 'read', prefix: history });
  const stored = idle.do('a', { type: 'store', size: 12 });
  if (dies) await stage.pass(10 * SECOND);
  else await stored;
}

/** A consumer that was idle while the store moved makes a cut when others have changed something where the store is now. */
async function consumerIsIdleWhileItMoves(stage: MoveStage): Promise<void> {
  const { dice } = stage;
  const owner = await stage.player('owner');
  await owner.store('a');
  const idle = await stage.player('idle', 0);
  const reader = idle.reader(stage.ledger());
  await reader.take('cut', true);
  await stage.move().moved;
  await stage.follows(owner);
  await owner.do('a', { type: 'delete' });
  await owner.store('b');
  await stage.pass(dice.magnitude(1, 10) * SECOND);
  await reader.take('cut', true);
}

/** What can only be followed by a look at the whole object, since it was purged in between, is looked at while it changes once more. */
async function changesWhileLookedAt(stage: MoveStage): Promise<void> {
  const { dice, from, latency } = stage;
  const owner = await stage.player('owner');
  await owner.store('a');
  const { process, moved } = stage.move();
  await stage.announced();
  // What comes meanwhile is found in one go.
  const held = { name: 'held on its way', arrivals: [dice.between(1, 2) * SECOND], answer: latency() };
  await stage.meets(process, from, { operation: 'list', prefix: workPrefix('writer') }, held);
  await owner.do('a', { type: 'purge' });
  await owner.store('a');
  const calm = { name: 'sent', arrivals: [latency()], answer: latency() };
  const late = { name: 'answered late', arrivals: [latency()], answer: dice.between(1, 2) * SECOND };
  // One listing by who reads the journal, one by who copies.
  void stage.meets(process, from, { operation: 'list', prefix: history }, calm);
  await stage.meets(process, from, { operation: 'list', prefix: history }, late);
  await stage.pass(100);
  await owner.store('a');
  await moved;
}

/** Somebody opens the store at the place where it has landed, while whoever moves it sleeps or has died. */
async function openedWhereItLanded(stage: MoveStage): Promise<void> {
  const { dice, to, world, latency } = stage;
  const owner = await stage.player('owner');
  await owner.store('a');
  const { process, moved } = stage.move();
  const dies = dice.chance(0.5);
  const duration = dice.magnitude(0.5, 30) * SECOND;
  const stops = { how: dice.pick(['pause', 'suspend'] as const), duration };
  const last = { name: 'the last before it stops', arrivals: [latency()], answer: latency(), stops };
  void stage.meets(process, to, { operation: 'write', prefix: HEAD_NAME }, last);
  await stage.head(to, () => true);
  if (dies) process.kill();
  world.homes.set('newcomer', to);
  const newcomer = await stage.player('newcomer');
  await newcomer.do('a', { type: 'retrieve' });
  await newcomer.do('b', { type: 'store', size: 12 });
  await owner.do('b', { type: 'retrieve' });
  if (!dies) await moved;
}

/**
 * Whoever moves the store sleeps on a request to where it moves, which arrives when others have moved it, and have changed it where it is now:
 * what is found there then is not what it was copied over.
 */
async function sleepsWhileOthersMove(stage: MoveStage): Promise<void> {
  const { dice, to, world } = stage;
  const owner = await stage.player('owner');
  await owner.store('a');
  const { process } = stage.move('sleeper');
  await stage.announced();
  const token = stage.tokenOf('a');
  const request = dice.pick([
    { operation: 'read', prefix: objectName(token) },
    { operation: 'list', prefix: historyPrefix(token) },
    { operation: 'write', prefix: HEAD_NAME },
    world.plan.batches
      ? ({ operation: 'batch', prefix: '' } as const)
      : ({ operation: 'write', prefix: objectName(token) } as const),
  ] as const);
  const lasts = dice.between(2, 5) * 60 * SECOND;
  const late = { name: 'late', arrivals: [lasts], answer: stage.latency(), stops: { how: 'pause' } } as const;
  const sent = stage.meets(process, to, request, late);
  // It is looked at as a whole, since it was purged in between.
  await owner.store('a');
  await owner.do('a', { type: 'purge' });
  await owner.store('a');
  await sent;
  if (dice.chance(0.5)) await owner.store('a');
  await stage.move('migrator').moved;
  await stage.follows(owner);
  await owner.store('a', dice.pick(SIZES));
  await owner.store('a');
  await stage.pass(lasts);
  process.goOn();
  await stage.pass(60 * SECOND);
  await owner.do('a', { type: 'retrieve' });
}

/** The same on the way back, before it clears what an instance has left for itself where the store was: by then it is that of the one that is there. */
async function sleepsOnTheWayBack(stage: MoveStage): Promise<void> {
  const { dice, from, to } = stage;
  const owner = await stage.player('owner');
  await owner.store('a');
  await stage.move('first').moved;
  await stage.follows(owner);
  const back = [to, from] as const;
  const { process } = stage.move('sleeper', back);
  const lasts = dice.between(2, 5) * 60 * SECOND;
  const late = { name: 'late', arrivals: [lasts], answer: stage.latency(), stops: { how: 'pause' } } as const;
  const prefix = dice.pick([journal, AREAS.work, AREAS.markers]);
  await stage.meets(process, from, { operation: 'list', prefix }, late);
  await stage.move('migrator', back).moved;
  await stage.follows(owner, from);
  const reader = (await stage.player('reader', 0)).reader(stage.ledger());
  await reader.take('cut', true);
  await owner.store('a');
  await reader.take('poll', true);
  await owner.store('b');
  await stage.pass(lasts);
  process.goOn();
  await stage.pass(60 * SECOND);
  await owner.store('a');
  await reader.take('poll', true);
}

/** A collector has read a deletion, and removes it when the store has moved and others have stored that object anew. */
async function forgetsWhileItMoves(stage: MoveStage): Promise<void> {
  const { from } = stage;
  const owner = await stage.player('owner');
  await owner.store('a');
  await stage.pass(1.1 * DAY);
  // What was deleted before is not in the way.
  const collector = await stage.collector('collector');
  await collector.collect();
  await owner.do('a', { type: 'delete' });
  await stage.pass(1.1 * DAY);
  const { moved } = stage.move();
  await stage.announced();
  const request = { operation: 'list', prefix: historyPrefix(stage.tokenOf('a')) } as const;
  const sent = stage.meets(collector.process, from, request, stage.answeredAfterwards());
  const collected = collector.collect();
  await sent;
  await stage.follows(collector);
  await stage.follows(owner);
  await owner.store('a');
  await collected;
  await owner.do('a', { type: 'retrieve' });
  await moved;
}

export const MOVE_SCENARIOS: Readonly<Record<MoveScenarioName, (stage: MoveStage) => Promise<void>>> = {
  'a writer is held up before its record until the store has moved': heldUpBeforeItsRecord,
  'a writer learns where the store is now that its record was written': learnsAfterItsRecord,
  'a purge learns where the store is now that it has buried something': learnsAfterItsBurial,
  'a process is idle while the store moves': idleWhileItMoves,
  'a writer is idle while the store moves': writerIsIdleWhileItMoves,
  'a consumer is idle while the store moves': consumerIsIdleWhileItMoves,
  'an object changes while it is looked at once more': changesWhileLookedAt,
  'a process opens the store where it has landed': openedWhereItLanded,
  'whoever moves the store sleeps until others have moved it': sleepsWhileOthersMove,
  'whoever moves the store back sleeps until others have moved it': sleepsOnTheWayBack,
  'a collector forgets a deletion while the store moves': forgetsWhileItMoves,
};
