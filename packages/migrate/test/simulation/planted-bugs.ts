import type { SourceChange } from '../../../objects/test/simulation/plant.ts';
import type { MigrationPlan } from './plan.ts';
import type { MoveScenarioName } from './scenario-plans.ts';

/** A change of one file after which a promise is broken. */
export interface PlantedBug extends SourceChange {
  /** What must be so in a schedule for it to show, or makes it likely: others are passed over. */
  readonly plan?: (plan: MigrationPlan) => boolean;
  /** What must be played for it to show. */
  readonly scenario?: MoveScenarioName;
}

/** Each takes out one thing that moving a store rests on. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'nobody waits once the store is closed',
    plan: ({ busy }) => busy,
    file: 'migrate/src/online/migration-run.ts',
    edits: [
      ['now + 1.5 * took < this.area.settledSoonAfter', 'false'],
      ['    await settled;\n', ''],
    ],
  },
  {
    name: 'nobody waits once the move is announced',
    file: 'objects/src/store/migration-extension.ts',
    edits: [['    }, signal);\n    await this.settle(signal);', '    }, signal);']],
  },
  {
    name: 'the journal is not read to its end once the store is closed',
    plan: ({ busy }) => busy,
    file: 'migrate/src/online/move.ts',
    edits: [['=> {\n      while (await this.take(consumer));\n', '=> {\n']],
  },
  {
    name: 'a mutation is not looked for where the store is now',
    plan: ({ busy }) => busy,
    file: 'objects/src/object/commit/commit.ts',
    edits: [['if (found !== undefined) return found;', '']],
  },
  {
    name: 'a mutation that fails in the new place is reported as failed, whatever it did in the old one',
    scenario: 'a writer learns where the store is now that its record was written',
    file: 'objects/src/object/commit/commit.ts',
    edits: [['throw isDoubtful ? indeterminate(error, signal) : error;', 'throw error;']],
  },
  {
    name: 'etags do not tell of which place they are',
    scenario: 'a collector forgets a deletion while the store moves',
    file: 'objects/src/engine/relocatable-backend.ts',
    edits: [
      ['`${epoch} ${etag}`', '`0 ${etag}`'],
      ['const prefix = `${epoch} `;', "const prefix = '0 ';"],
    ],
  },
  {
    name: 'records of the old place are remembered in the new one',
    scenario: 'a writer is idle while the store moves',
    file: 'objects/src/engine/create-engine.ts',
    edits: [['      engine.cache.clear();\n', '']],
  },
  {
    name: 'a mutation begins in one place and ends in the other',
    scenario: 'a writer is held up before its record until the store has moved',
    file: 'objects/src/engine/engine.ts',
    edits: [['withBackend(engine, engine.place.pinned)', 'engine']],
  },
  {
    name: 'a mutation goes on in the place that was left',
    scenario: 'a writer is held up before its record until the store has moved',
    file: 'objects/src/engine/relocatable-backend.ts',
    edits: [['if (this.epoch !== epoch) throw new BackendMoved();', '']],
  },
  {
    name: 'a store is left though it was opened again since it was closed',
    plan: ({ caught }) => caught > 0,
    file: 'objects/src/store/migration-extension.ts',
    edits: [
      ["left = head.state === 'closing' && head.generation === closed.generation;", "left = head.state !== 'moved';"],
    ],
  },
  {
    name: 'what has landed before is taken for the move',
    plan: ({ diesTwice }) => diesTwice,
    file: 'objects/src/head/move/staged-head.ts',
    edits: [[' &&\n  landed.generation > closed.generation', '']],
  },
  {
    name: 'parts stay where they were written',
    plan: ({ habits }) => habits.blobs > 0.5,
    file: 'objects/src/record/blob-lease.ts',
    edits: [["if (!(await carryParts(place, this.#blob, signal))) return 'incomplete';", '']],
  },
  {
    name: 'a listing of the old place is told in the new one',
    scenario: 'a process is idle while the store moves',
    file: 'objects/src/object/list.ts',
    edits: [['    if (place?.epoch !== epoch) continue;\n', '']],
  },
  {
    name: 'a record is copied that came after what was listed',
    scenario: 'an object changes while it is looked at once more',
    file: 'migrate/src/online/copier.ts',
    edits: [['return this.#sync(listed, there, look, current?.body);', 'return this.#sync(listed, there, look);']],
  },
  {
    name: 'who has slept writes over what is newer there',
    scenario: 'whoever moves the store sleeps until others have moved it',
    file: 'migrate/src/online/writer.ts',
    edits: [['if (found !== undefined && versionOf(found.body) >= versionOf(body)) throw overtaken();', '']],
  },
  {
    name: 'who has slept does not look whether the store has moved',
    scenario: 'whoever moves the store sleeps until others have moved it',
    file: 'migrate/src/online/overtaken.ts',
    edits: [["if (state === 'moved') throw overtaken();", '']],
  },
  {
    name: 'who has slept lands over what has landed there since',
    scenario: 'whoever moves the store sleeps until others have moved it',
    file: 'objects/src/replica/migration/cutover.ts',
    edits: [['        await this.#checkClosed(closed, signal);\n', '']],
  },
  {
    name: 'who has slept clears the place to which the store has come back',
    scenario: 'whoever moves the store back sleeps until others have moved it',
    file: 'migrate/src/online/move.ts',
    edits: [['      await checkStays(this.area, signal);\n', '']],
  },
  {
    name: 'a purge forgets in the new place what it has buried in the old one',
    scenario: 'a purge learns where the store is now that it has buried something',
    file: 'objects/src/object/purge.ts',
    edits: [['      // If the store moves now, the tombstone is looked for in the new place.\n      note();\n', '']],
  },
  {
    name: 'who opens a store where it has landed works with it',
    scenario: 'a process opens the store where it has landed',
    file: 'objects/src/replica/migration/prepare-cutover.ts',
    edits: [
      [
        "state: 'closing',\n    migration: { instance: before.instance, stage: 'copying', resealed: false, location: sealed },",
        "state: 'open',",
      ],
    ],
  },
];
