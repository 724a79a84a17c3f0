import { AREAS } from '@securestore/core-format';
import type { Player, Stage } from './stage.ts';
import { DAY, HOUR, MINUTE, SECOND, versionIn } from './stage.ts';

const { blobs, history, markers, objects, journal } = AREAS;

const LARGE = 40_000;

/** An object one of whose past versions has a payload and may be collected. @returns that version */
async function oldVersion(stage: Stage): Promise<string> {
  const owner = await stage.player('owner');
  const version = await owner.store('a', LARGE);
  await owner.store('a');
  await stage.pass(1.1 * DAY);
  return version;
}

/** A restore that is held up at one of its steps, from before its claim to its record, while a collector comes. */
async function restoredWhileCollected(stage: Stage): Promise<void> {
  const { dice } = stage;
  const version = await oldVersion(stage);
  const restorer = await stage.player('restorer');
  const collector = await stage.collector('collector');
  const point = dice.pick([
    { operation: 'read', prefix: markers },
    { operation: 'write', prefix: markers },
    { operation: 'list', prefix: blobs },
    { operation: 'list', prefix: blobs },
    { operation: 'write', prefix: history },
  ] as const);
  const stopped = restorer.stopsAt(point);
  const restored = restorer.do('a', { type: 'restoreVersion', version });
  await Promise.race([stopped, restored]);
  await collector.collect();
  await stage.pass(dice.magnitude(SECOND, 8 * HOUR));
  restorer.process.goOn();
  await restored;
}

/**
 * A collector that has found no record of a payload, and sleeps before it puts its marker, until the claim has lapsed
 * by which a record came to name the payload meanwhile. @returns what it goes on with, and the version of that record
 */
async function sleepBeforeMarker(
  stage: Stage,
): Promise<{ collector: Player; collected: Promise<void>; version: string }> {
  const old = await oldVersion(stage);
  const restorer = await stage.player('restorer');
  const collector = await stage.collector('collector');
  // It has claimed the payload, and seen that the version is retained.
  const copies = restorer.stopsAt({ operation: 'write', prefix: history });
  const restored = restorer.do('a', { type: 'restoreVersion', version: old });
  await copies;
  const pruned = collector.meets({ operation: 'delete', prefix: history }, { name: '', arrivals: [5], answer: 5 });
  const collected = collector.collect();
  await pruned;
  // Whether any record names the payload is what it lists next.
  await collector.stopsAt({ operation: 'list', prefix: history });
  restorer.process.goOn();
  const version = versionIn(await restored);
  await stage.pass(1.1 * DAY);
  return { collector, collected, version };
}

async function collectorSleeps(stage: Stage): Promise<void> {
  const { collector, collected } = await sleepBeforeMarker(stage);
  collector.process.goOn();
  await collected;
}

/** The right to delete a payload goes from collector to collector, and is given back, before the payload is in use again. */
async function markerTakenOver(stage: Stage): Promise<void> {
  const { collector, version } = await sleepBeforeMarker(stage);
  // It dies when its marker is written, so that others take that over without a look at the records.
  const marked = collector.stopsAt({ operation: 'write', prefix: markers });
  collector.process.goOn();
  await marked;
  collector.process.kill();
  const sleeper = await stage.collector('sleeper');
  const stopped = sleeper.stopsAt({ operation: 'write', prefix: markers });
  const collected = sleeper.collect();
  await stopped;
  await (await stage.collector('second collector')).collect();
  await (await stage.player('writer')).store('a');
  await stage.pass(1.1 * DAY);
  const restorer = await stage.player('second restorer');
  const copies = restorer.stopsAt({ operation: 'write', prefix: history });
  const restored = restorer.do('a', { type: 'restoreVersion', version });
  await copies;
  await (await stage.collector('third collector')).collect();
  sleeper.process.goOn();
  await collected;
  await stage.pass(stage.dice.magnitude(SECOND, 5 * HOUR));
  restorer.process.goOn();
  await restored;
}

/** A deletion is forgotten, and somebody stores the object just before. */
async function storedWhileForgotten(stage: Stage): Promise<void> {
  const owner = await stage.player('owner');
  await owner.store('a');
  await owner.do('a', { type: 'delete' });
  await stage.pass(1.1 * DAY);
  const collector = await stage.collector('collector');
  const writer = await stage.player('writer');
  const held = stage.dice.magnitude(5 * SECOND, 5 * MINUTE);
  const fate = { name: 'held on its way', arrivals: [held], answer: 5 };
  const forgets = collector.meets({ operation: 'delete', prefix: objects }, fate);
  const collected = collector.collect();
  await forgets;
  await writer.store('a');
  await collected;
}

/** A writer that sleeps after its parts, or between them and its record, until the parts may be collected. */
async function writerSleeps(stage: Stage): Promise<void> {
  const point = stage.dice.pick([blobs, history, journal]);
  if (point === journal) await stage.world.landHead(() => ({ journal: 'on' }));
  const writer = await stage.player('writer');
  await writer.store('a');
  await stage.pass(10 * SECOND);
  const stopped = writer.stopsAt({ operation: 'write', prefix: point });
  const stored = writer.do('a', { type: 'store', size: LARGE });
  await stopped;
  await stage.pass(1.1 * DAY);
  await (await stage.collector('collector')).collect();
  writer.process.goOn();
  await stored;
}

/** A writer that learns that its record landed only when that was replaced and collected, and is killed after its next copy. */
async function sleepsOnItsRecord(stage: Stage): Promise<void> {
  const writer = await stage.player('writer');
  const other = await stage.player('other');
  const landed = writer.stopsAt({ operation: 'write', prefix: objects });
  const stored = writer.do('a', { type: 'store', size: LARGE });
  await landed;
  const version = versionIn(await other.do('a', { type: 'retrieve' }));
  await other.store('a');
  await stage.pass(1.1 * DAY);
  await (await stage.collector('collector')).collect();
  const copies = writer.stopsAt({ operation: 'write', prefix: history });
  writer.process.goOn();
  await stored;
  void writer.do('a', { type: 'store', size: 12 });
  await copies;
  writer.process.kill();
  await other.do('a', { type: 'retrieveVersion', version });
}

export const COLLECTION = {
  'a version is restored while it is collected': restoredWhileCollected,
  'a collector sleeps before its marker': collectorSleeps,
  'a marker is taken over': markerTakenOver,
  'a deleted object is stored again while it is forgotten': storedWhileForgotten,
  'a writer sleeps before its record': writerSleeps,
  'a writer sleeps until its record is collected': sleepsOnItsRecord,
} as const;
