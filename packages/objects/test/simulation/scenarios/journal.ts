import { AREAS, HEAD_NAME, workPrefix } from '@securestore/core-format';
import type { Reader } from '../actors/consumer.ts';
import type { Ledger } from '../ledger.ts';
import type { Player, Stage } from './stage.ts';
import { DAY, HOUR, MINUTE, SECOND } from './stage.ts';

const { journal, objects } = AREAS;

interface Consuming {
  readonly player: Player;
  readonly reader: Reader;
  readonly ledger: Ledger;
}

/** A consumer that has made its first pass. */
async function consuming(stage: Stage): Promise<Consuming> {
  const ledger = stage.ledger();
  const player = await stage.player('consumer');
  const reader = player.reader(ledger);
  await reader.take('poll', true);
  await stage.pass(10 * SECOND);
  return { player, reader, ledger };
}

/** A writer sleeps between its hint and its commit, for longer than consumers look for that. */
async function hintLapses(stage: Stage): Promise<void> {
  const { reader } = await consuming(stage);
  const writer = await stage.player('writer');
  const stopped = writer.stopsAt({ operation: 'write', prefix: journal });
  const stored = writer.do('a', { type: 'store', size: 12 });
  await stopped;
  await reader.take('poll', true);
  await stage.pass(stage.dice.magnitude(65 * MINUTE, 10 * HOUR));
  await reader.take('poll', true);
  writer.process.goOn();
  await stored;
}

/** A consumer sees a hint, confirms that, and ends before the commit is there. */
async function consumerEnds(stage: Stage): Promise<void> {
  const { player, reader } = await consuming(stage);
  const writer = await stage.player('writer');
  const fate = { name: 'held on its way', arrivals: [stage.dice.magnitude(10 * SECOND, 30 * MINUTE)], answer: 5 };
  const sent = writer.meets({ operation: 'write', prefix: objects }, fate);
  const stored = writer.do('a', { type: 'store', size: 12 });
  await sent;
  await reader.take(stage.dice.pick(['poll', 'cut'] as const), true);
  player.process.kill();
  await stored;
}

/** Two changes, one after the other, while a cut has read one of their streams and not the other one. */
async function changesDuringCut(stage: Stage): Promise<void> {
  const { player, reader } = await consuming(stage);
  const writers = [await stage.player('first writer'), await stage.player('second writer')] as const;
  for (const writer of writers) await writer.store('a');
  await reader.take('poll', true);
  const quick = { name: '', arrivals: [5], answer: 5 };
  const ticked = player.meets({ operation: 'write', prefix: AREAS.work }, quick);
  const cut = reader.take('cut', true);
  await ticked;
  const held = { name: 'held on its way', arrivals: [stage.dice.magnitude(2 * SECOND, 4 * SECOND)], answer: 5 };
  if (stage.dice.chance(0.7)) await player.meets({ operation: 'list', prefix: journal }, quick);
  await player.meets({ operation: 'list', prefix: journal }, held);
  await stage.pass(100);
  const [first, second] = writers;
  await first.store('a');
  // At the same moment it could have been before.
  await stage.pass(10);
  await second.store('b');
  await cut;
}

/** A writer sleeps, or has nothing to do, until others have closed its stream, and perhaps removed it. */
async function streamClosed(stage: Stage): Promise<void> {
  const { dice } = stage;
  const { reader } = await consuming(stage);
  const writer = await stage.player('writer');
  await writer.store('a');
  await stage.pass(HOUR);
  await reader.take('poll', true);
  const sleeps = dice.chance(0.5);
  const stopped = sleeps ? writer.stopsAt({ operation: 'read', prefix: HEAD_NAME }) : undefined;
  const stored = sleeps ? writer.do('b', { type: 'store', size: 12 }) : undefined;
  await stopped;
  const collector = await stage.collector('collector');
  for (let days = dice.pick([8, 11]); days > 0; days--) {
    await stage.pass(DAY);
    await reader.take('poll', true);
    await collector.collect(true);
  }
  await reader.take('poll', true);
  writer.process.goOn();
  await (stored ?? writer.store('b'));
}

/** What a consumer has still to read is replaced, deleted and collected. */
async function consumerLate(stage: Stage): Promise<void> {
  const { dice } = stage;
  const { reader } = await consuming(stage);
  const writer = await stage.player('writer');
  await writer.store('a');
  await writer.store('a');
  await writer.store('b');
  if (dice.chance(0.5)) await writer.do('b', { type: 'delete' });
  await stage.pass(dice.magnitude(1.1, 5) * DAY);
  await (await stage.collector('collector')).collect(true);
  await reader.take('poll', true);
}

/** A consumer sleeps in the middle of a look until it has expired, and what it was about to read is removed. */
async function consumerSleeps(stage: Stage): Promise<void> {
  const { dice } = stage;
  const { player, reader } = await consuming(stage);
  const writer = await stage.player('writer');
  await writer.store('a');
  await reader.take('poll', true);
  await writer.store('b');
  const stopped = player.stopsAt({ operation: 'list', prefix: workPrefix('writer') });
  const looked = reader.take(dice.pick(['poll', 'cut'] as const), true);
  await stopped;
  const collector = await stage.collector('collector');
  await stage.pass(9 * DAY);
  for (let passes = 3; passes > 0; passes--) {
    await collector.collect(true);
    await stage.pass(2 * HOUR);
  }
  player.process.goOn();
  await looked;
}

/**
 * A consumer is silent, perhaps since it sleeps in the middle of a pass, until it has expired and a deletion is forgotten that it
 * has not heard of. When it is back it makes its pass, and later another one.
 */
async function deletionForgotten(stage: Stage): Promise<void> {
  const { player, reader } = await consuming(stage);
  const writer = await stage.player('writer');
  await writer.store('a');
  await reader.take('poll', true);
  const sleeps = stage.dice.chance(0.5);
  const stopped = sleeps ? player.stopsAt({ operation: 'list', prefix: objects }) : undefined;
  const passed = sleeps ? reader.take('pass', true) : undefined;
  await stopped;
  await writer.do('a', { type: 'delete' });
  // The last hint of a stream stays.
  for (let changes = 2; changes > 0; changes--) await writer.store('b');
  await stage.pass(9 * DAY);
  await (await stage.collector('collector')).collect(true);
  player.process.goOn();
  await passed;
  for (const step of ['poll', 'poll', 'pass'] as const) await reader.take(step, true);
}

/** A writer sleeps between its hint and its commit for so long that it announces that in another stream when it wakes up. */
async function announcedInTwoStreams(stage: Stage, reader: Reader, writer: Player): Promise<void> {
  const { dice } = stage;
  const stopped = writer.stopsAt({ operation: 'write', prefix: journal });
  const stored = writer.do('a', { type: 'store', size: 12 });
  await stopped;
  await stage.pass(1.1 * DAY);
  const held = { name: 'held on its way', arrivals: [dice.magnitude(10 * SECOND, 10 * MINUTE)], answer: 5 };
  const sent = writer.meets({ operation: 'write', prefix: objects }, held);
  writer.process.goOn();
  await sent;
  // Of both streams it has read neither hint so far.
  await reader.take('poll', true);
  await stored;
}

/** A writer announces its commit anew when it learns that it has landed: by then it has been replaced. */
async function announcedWhenReplaced(stage: Stage, reader: Reader, writer: Player): Promise<void> {
  const { dice } = stage;
  const held = { name: 'held on its way', arrivals: [10 * SECOND], answer: 5, stops: { how: 'pause' } } as const;
  const sent = writer.meets({ operation: 'write', prefix: objects }, held);
  const stored = writer.do('a', { type: 'store', size: 12 });
  await sent;
  await reader.take('poll', true);
  await stage.pass(10 * SECOND);
  await (await stage.player('other')).store('a');
  await stage.pass(dice.between(16, 50) * MINUTE);
  writer.process.goOn();
  await stored;
}

async function announcedAgain(stage: Stage): Promise<void> {
  const { dice } = stage;
  const { reader } = await consuming(stage);
  const writer = await stage.player('writer');
  await writer.store('b');
  // How often it has looked decides about the order in which it reads the streams.
  for (let looks = 1 + dice.below(2); looks > 0; looks--) await reader.take('poll', true);
  await dice.pick([announcedInTwoStreams, announcedWhenReplaced])(stage, reader, writer);
}

/** A collector sleeps while it asks what a consumer has read, and wakes up when what was written meanwhile is old. */
async function collectorAsks(stage: Stage): Promise<void> {
  const { reader } = await consuming(stage);
  const writer = await stage.player('writer');
  await writer.store('a');
  await reader.take('poll', true);
  const collector = await stage.collector('collector');
  const stopped = collector.stopsAt({ operation: 'list', prefix: journal });
  const collected = collector.collect(true);
  await stopped;
  for (let changes = 2 + stage.dice.below(2); changes > 0; changes--) await writer.store('a');
  await stage.pass(stage.dice.magnitude(1.1, 5) * DAY);
  collector.process.goOn();
  await collected;
}

/** The first state of a consumer arrives when a rotation has looked for such states already: its key is retired soon after. */
async function registeredLate(stage: Stage): Promise<void> {
  const { dice } = stage;
  const ledger = stage.ledger();
  const player = await stage.player('consumer');
  const rotator = await stage.player('rotator', 0);
  // Perhaps another process goes on with what this one has left.
  const ends = dice.chance(0.5);
  const fate = { name: 'held on its way', arrivals: [dice.between(SECOND, MINUTE)], answer: 5 };
  const held = ends ? { ...fate, stops: { how: 'pause' } as const } : fate;
  const sent = player.meets({ operation: 'write', prefix: workPrefix('consumer') }, held);
  const registered = player.reader(ledger).take('poll', true);
  await sent;
  await rotator.rotate('keys');
  if (ends) {
    await stage.pass(MINUTE);
    player.process.kill();
  } else await registered;
  const reader = (ends ? await stage.player('next consumer') : player).reader(ledger);
  for (const step of ['poll', 'cut'] as const) await reader.take(step, true);
}

export const JOURNAL = {
  'a consumer registers while keys are rotated': registeredLate,
  'a deletion is forgotten while a consumer is silent': deletionForgotten,
  'a consumer sleeps in the middle of a look': consumerSleeps,
  'a hint lapses before its commit': hintLapses,
  'a consumer ends between a hint and its commit': consumerEnds,
  'changes come while a cut reads the streams': changesDuringCut,
  'a stream is closed while its writer sleeps': streamClosed,
  'changes are collected that a consumer has not read': consumerLate,
  'a writer announces its commit again': announcedAgain,
  'a collector sleeps while it asks what consumers have read': collectorAsks,
} as const;
