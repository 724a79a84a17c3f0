import { HEAD_NAME } from '@securestore/core-format';
import { isAbout } from '../plan.ts';
import type { PlantedBug } from '../planted-bugs.ts';

/** What is true only while everybody knows the newest head. */
export const FRESHNESS_BUGS: readonly PlantedBug[] = [
  {
    name: 'the head is never read again',
    file: 'objects/src/head/head-monitor.ts',
    edits: [['const age = elapsedSince(this.#confirmed, this.#clock);', 'const age = 0;']],
  },
  {
    name: 'nobody waits for the head',
    file: 'objects/src/head/head-monitor.ts',
    edits: [['return age < freshFor ? undefined : this.#waitFresh(signal);', 'return undefined;']],
  },
  {
    name: 'a read of the head confirms the time at which it ends',
    file: 'objects/src/head/head-monitor.ts',
    edits: [
      ['confirmed = begun;\n  }\n\n  /** @param asked', 'confirmed = instant(this.#clock);\n  }\n\n  /** @param asked'],
    ],
  },
  {
    name: 'time passes by the wall clock alone',
    file: 'jobs/src/state/clock.ts',
    edits: [
      ['return Math.max(clock.now() - start.now, clock.uptime() - start.uptime);', 'return clock.now() - start.now;'],
    ],
  },
  {
    name: 'clocks that are far apart are not noticed',
    file: 'objects/src/head/clock-skew.ts',
    edits: [['Math.abs(ahead) > MAX_CLOCK_DIFFERENCE', 'ahead > Infinity']],
  },
  {
    name: 'a store that closes meanwhile takes the write',
    file: 'objects/src/object/commit/commit.ts',
    edits: [['      monitor.checkWritable();\n      const done', '      const done']],
  },
  {
    name: 'a write is left under the key that was replaced meanwhile',
    part: 'rotator',
    file: 'objects/src/object/commit/commit.ts',
    edits: [
      ['const done = committed && (await fenceCommit(engine, target, committed, signal));', 'const done = committed;'],
    ],
  },
  {
    name: 'a rotation does not wait for all processes to follow',
    plan: (plan) => isAbout(plan, HEAD_NAME),
    part: 'rotator',
    file: 'objects/src/maintenance/keys/await-quiescence.ts',
    edits: [['await engine.monitor.quiesce(signal);', '']],
  },
  {
    name: 'a process goes on writing though its slot was removed',
    part: 'revoker',
    file: 'objects/src/head/unlock/active-slot.ts',
    edits: [['still the same.\n    return undefined;', 'still the same.\n    return opened;']],
  },
  {
    name: 'the removal of a slot is reported at once',
    part: 'revoker',
    file: 'objects/src/maintenance/keys/slots.ts',
    edits: [['  await engine.monitor.quiesce(signal);\n', '']],
  },
  {
    name: 'a change is refused for what only a process with old keys finds',
    scenario: 'an idle process meets what landed under a retired key',
    file: 'objects/src/record/stable-read.ts',
    edits: [['if (!isRefusal(error)) throw error;', 'throw error;']],
  },
  {
    name: 'a large object is refused for what only a process with old keys finds',
    scenario: 'an idle process meets what landed under a retired key',
    file: 'objects/src/object/store.ts',
    edits: [
      ['await underStableKeys(\n    engine,\n    () => loadCurrent(', 'await (\n    loadCurrent('],
      ["'damaged' }),\n    signal,\n  );", "'damaged' })\n  );"],
    ],
  },
];
