import type { PlantedBug } from '../planted-bugs.ts';

/** What makes mutations of one object follow each other. */
export const COMMITS_BUGS: readonly PlantedBug[] = [
  {
    name: 'an unknown outcome is a success',
    file: 'objects/src/object/commit/commit.ts',
    edits: [
      [
        "if (SecureStoreError.is(error, 'CONFLICT')) throw new WriteConflict();",
        "if (error.outcome === 'unknown') return { state, header, keys };\n" +
          "    if (SecureStoreError.is(error, 'CONFLICT')) throw new WriteConflict();",
      ],
    ],
  },
  {
    name: 'a lost race is a success',
    file: 'objects/src/object/commit/commit.ts',
    edits: [
      ["if (SecureStoreError.is(error, 'CONFLICT')) throw new WriteConflict();", 'return { state, header, keys };'],
    ],
  },
  {
    name: 'a write of unknown outcome is not looked for',
    file: 'objects/src/object/commit/commit.ts',
    edits: [['        doubt = { failure, expected: current?.stored };\n        undetermined = true;\n', '']],
  },
  {
    name: 'what a restore in doubt is refused for counts as its outcome',
    scenario: 'a version is collected while its restore is in doubt',
    file: 'objects/src/object/commit/commit.ts',
    edits: [['throw undetermined ? indeterminate', "throw undetermined && error.code !== 'NOT_FOUND' ? indeterminate"]],
  },
  {
    name: 'a write of unknown outcome is looked for only in the current record',
    file: 'objects/src/object/commit/resolve-outcome.ts',
    edits: [
      [
        'if (current.opened !== undefined && isCommit(current.opened.header)) return current.opened;',
        'return current.opened !== undefined && isCommit(current.opened.header) ? current.opened : { current };',
      ],
    ],
  },
  {
    name: 'conditions are not checked',
    file: 'objects/src/object/commit/commit.ts',
    edits: [['  checkCondition(mutation.condition, current, identity.now);\n', '']],
  },
  {
    name: 'the replaced version is not copied to the history',
    file: 'objects/src/object/commit/write-version.ts',
    edits: [
      ['if (backend.batch !== undefined && backend.capabilities.maxBatch >= 2) {', 'if (backend.batch === null) {'],
      ['const created = await archiveVersion(engine, mutation, copyName, copy, current);', 'const created = false;'],
    ],
  },
  {
    name: 'a copy in the history is replaced by what a process remembers',
    file: 'objects/src/object/commit/archive-version.ts',
    edits: [
      ['if (token === undefined || (await backend.read(objectName(token)))?.etag !== current.stored.etag) return;', ''],
    ],
    scenario: 'an object is sealed anew while a process remembers it',
  },
  {
    name: 'versions do not grow beyond the one before',
    file: 'objects/src/object/commit/mutation.ts',
    edits: [['(before?.version ?? 0) + 1', '0']],
  },
  {
    name: 'a payload is discarded though its record may land',
    file: 'objects/src/object/store.ts',
    edits: [
      ["if (!(SecureStoreError.is(error) && error.outcome === 'unknown')) await discardBlob", 'await discardBlob'],
    ],
  },
  {
    name: 'versions from before a purge are taken for versions of the object',
    file: 'objects/src/record/open-record.ts',
    edits: [['return current?.body.origin ?? 0;', 'return 0;']],
  },
  {
    name: 'what a purge buried is looked for as if it had never been',
    scenario: 'an object is purged while its record is in doubt',
    file: 'objects/src/object/commit/resolve-outcome.ts',
    edits: [['if (isPurged(header) && header.version > now * 1000) throw new Purged();', '']],
  },
  {
    name: 'a purge of unknown outcome is repeated',
    scenario: 'an object is stored again while its purge is in doubt',
    file: 'objects/src/object/purge.ts',
    edits: [['return after !== undefined && origin > after ? origin : undefined;', 'return undefined;']],
  },
  {
    name: 'a purge of unknown outcome that fails later is reported as failed',
    file: 'objects/src/object/purge.ts',
    edits: [['return doubt.after === undefined ? error : indeterminate(error, signal);', 'return error;']],
  },
];
