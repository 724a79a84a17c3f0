import { AREAS } from '@securestore/core-format';
import { isAbout } from '../plan.ts';
import type { PlantedBug } from '../planted-bugs.ts';

/** What consumers and their cuts rest on. */
export const JOURNAL_BUGS: readonly PlantedBug[] = [
  {
    name: 'a commit is announced after it',
    part: 'consumer',
    file: 'objects/src/journal/announce.ts',
    edits: [["if (state.head.journal === 'off' || journal.covers(before)) return before;", 'return before;']],
  },
  {
    name: 'a hint covers its commit for ever',
    scenario: 'a hint lapses before its commit',
    file: 'objects/src/engine/journal-writer.ts',
    edits: [['elapsedSince(announced, this.#ports.clock) < HINT_COVERS_FOR', 'true']],
  },
  {
    name: 'what is under way while the journal is switched on is not announced',
    part: 'consumer',
    file: 'objects/src/object/commit/mutation.ts',
    edits: [["head.journal === 'off' || journal.covers(announced)", 'true']],
  },
  {
    name: 'a slot whose fate is unknown is skipped',
    part: 'consumer',
    file: 'objects/src/engine/journal-writer.ts',
    edits: [
      [
        '        const found = await backend.read(name);\n',
        "        if (error.code !== 'CONFLICT') return 'by another hint';\n        const found = await backend.read(name);\n",
      ],
    ],
  },
  {
    name: 'a stream is used however long ago that was',
    scenario: 'a stream is closed while its writer sleeps',
    file: 'objects/src/engine/journal-writer.ts',
    edits: [['elapsedSince(used, clock) >= STREAM_USED_FOR', 'false']],
  },
  {
    name: 'hints without a commit are forgotten at once',
    part: 'consumer',
    file: 'objects/src/journal/consumer.ts',
    edits: [['this.#hold.now - entry.written <= HINT_LAPSES_AFTER', 'false']],
  },
  {
    name: 'a pass does not wait for those who do not know of the journal',
    part: 'consumer',
    file: 'objects/src/journal/consumer.ts',
    edits: [['    if (settled !== true) await monitor.quiesce(signal);\n', '']],
  },
  {
    name: 'a cut takes what comes after its tick',
    scenario: 'changes come while a cut reads the streams',
    file: 'objects/src/journal/consumer.ts',
    edits: [['tick - clockSkew, signal', 'undefined, signal']],
  },
  {
    name: 'a cut does not look at the clock of the backend anew',
    part: 'consumer',
    file: 'objects/src/journal/consumer.ts',
    edits: [['await this.#tickAfter(await this.#tick(), signal)', 'this.#hold.modified']],
  },
  {
    name: 'a seen hint is confirmed before its commit is',
    scenario: 'a consumer ends between a hint and its commit',
    file: 'objects/src/journal/consumer.ts',
    edits: [
      [
        'const state = { ...this.#hold.state, ...this.#position.snapshot() };',
        'const state = { ...this.#hold.state, ...this.#position.snapshot(), pending: [] };',
      ],
    ],
  },
  {
    name: 'a consumer that has expired takes what is gone for an attack',
    file: 'objects/src/journal/consumer.ts',
    edits: [['if (alarms.length > 0 && (await this.#isExcused(signal)))', 'if (alarms === null)']],
    scenario: 'a consumer sleeps in the middle of a look',
  },
  {
    name: 'a consumer that has expired is not told of what is gone',
    scenario: 'a deletion is forgotten while a consumer is silent',
    file: 'objects/src/journal/consumer.ts',
    edits: [['await onGone?.(difference.known);', '{}']],
  },
  {
    name: 'a consumer that expires in a pass takes what is gone for hidden',
    scenario: 'a deletion is forgotten while a consumer is silent',
    file: 'objects/src/journal/consumer.ts',
    edits: [['this.#beginsAnew ? alarms : [...alarms, ', '[...alarms, ']],
  },
  {
    name: 'a consumer that registered late takes its own state for damaged',
    scenario: 'a consumer registers while keys are rotated',
    file: 'objects/src/journal/consumer-hold.ts',
    edits: [['if (!isRetired || etag !== this.#held.etag) throw error;', 'throw error;']],
  },
  {
    name: 'the state of a consumer that registered late is taken for damaged',
    scenario: 'a consumer registers while keys are rotated',
    file: 'objects/src/journal/open-consumer.ts',
    edits: [['found !== undefined && !found.isRetired', 'found !== undefined']],
  },
  {
    name: 'consumers overwrite each other',
    part: 'consumer',
    file: 'objects/src/journal/consumer-state.ts',
    edits: [['{ ifMatch: etag }', '{}']],
  },
  {
    name: 'hints are removed before they are read',
    part: 'consumer',
    file: 'objects/src/journal/prune.ts',
    edits: [['Math.min(...cursors.map(({ next }) => next - 1), end - 1)', 'end - 1']],
  },
  {
    name: 'a removal of hints is not said before',
    part: 'consumer',
    file: 'objects/src/journal/prune.ts',
    edits: [['if (!(await register(engine, plan))) continue;', '']],
  },
  {
    name: 'hints are looked for in the current record alone',
    part: 'consumer',
    file: 'objects/src/journal/resolve-hints.ts',
    edits: [['if (this.#open.size > 0) {', 'if (false) {']],
  },
  {
    name: 'what is announced late is looked for as if it had been announced before',
    plan: (plan) => !plan.journal && !plan.shortHistory && isAbout(plan, AREAS.objects),
    part: 'consumer',
    file: 'objects/src/journal/resolve-hints.ts',
    edits: [['if (this.#open.keys().some((commit) => !this.#lookedFor.has(commit))) return 0;', '']],
  },
  {
    name: 'a commit that is announced twice counts from whichever announcement is read last',
    scenario: 'a writer announces its commit again',
    file: 'objects/src/journal/cursor.ts',
    edits: [['const isNewer = known === undefined || known.written < entry.written;', 'const isNewer = true;']],
  },
  {
    name: 'what is announced anew is not looked for again in the history',
    scenario: 'a writer announces its commit again',
    file: 'objects/src/journal/consumer.ts',
    edits: [['.filter(([commit, entry]) => position.pending.get(commit) === entry)', '']],
  },
];
