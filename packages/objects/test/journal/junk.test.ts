import { AREAS } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { HINT_LAPSES_AFTER, STREAM_CLOSES_AFTER } from '../../src/engine/journal-limits.ts';
import { pruneJournal, unreadSince } from '../../src/journal/prune.ts';
import { attack } from '../support/attacker.ts';
import { Follower } from '../support/followers.ts';
import { passing, scene, storeTimes, writersAt } from '../support/journals.ts';
import { tokenOf } from '../support/scenes.ts';

const AN_HOUR: number = HINT_LAPSES_AFTER + 2;

describe('junk in the journal', () => {
  it('knows no consumer by a name that is none', async () => {
    const { world, cleaner } = await scene();
    await (await attack(world.place)).put('w/consumer/x', Buffer.alloc(100));
    expect(await unreadSince(cleaner)).toBe(Number.POSITIVE_INFINITY);
  });

  it('does not take garbage far ahead for the end of a stream, and removes it when it is old', async () => {
    const { world, store, cleaner } = await scene();
    await storeTimes(store, 3);
    const attacker = await attack(world.place);
    const [first = ''] = await attacker.names(AREAS.journal);
    const ahead = first.replace(/0+$/, '7vvvvvvvvvv');
    await attacker.put(ahead, Buffer.alloc(100));
    world.clock.advance(AN_HOUR);
    expect(await pruneJournal(cleaner)).toBe(0);
    expect(await attacker.names(AREAS.journal)).toContain(ahead);
    // Whoever registers now reads what the writer goes on to say.
    const follower = await Follower.open(cleaner, world.clock);
    await follower.follow();
    await store.store('later', 'x');
    await follower.poll();
    expect(follower.known.has(tokenOf(cleaner, 'later'))).toBe(true);
    world.clock.advance(24 * AN_HOUR);
    expect(await pruneJournal(cleaner)).toBe(1);
    expect(await attacker.names(AREAS.journal)).not.toContain(ahead);
  });

  it('in the place of a registration stays while somebody may write to the stream', async () => {
    const { world, store, cleaner } = await scene();
    await storeTimes(store, 3);
    const attacker = await attack(world.place);
    const [name = ''] = await writersAt(cleaner);
    await attacker.put(name, Buffer.alloc(100));
    const collector = (await world.start()).store;
    world.clock.advance(STREAM_CLOSES_AFTER / 2);
    await passing(world.clock, Promise.resolve(collector.gc()));
    expect(await writersAt(cleaner)).toContain(name);
    world.clock.advance(STREAM_CLOSES_AFTER);
    await passing(world.clock, Promise.resolve(collector.gc()));
    expect(await writersAt(cleaner)).not.toContain(name);
    expect(await attacker.names(AREAS.journal)).toEqual([]);
  });
});
