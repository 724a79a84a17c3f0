import type { PlantedBug } from '../planted-bugs.ts';

/** What makes the history of an object follow it. */
export const HISTORIES_BUGS: readonly PlantedBug[] = [
  {
    name: 'a purge that finds nothing does not look again',
    scenario: 'an object is stored while its purge finds nothing',
    file: 'objects/src/object/purge.ts',
    // Neither does it leave a tombstone, whose condition would show the object that was stored meanwhile.
    edits: [
      ['if (past.length > 0) found = await engine.backend.read(name, { signal });', ''],
      ['if (past.length === 0 || doubt.after !== undefined) return', 'return'],
    ],
  },
  {
    name: 'a copy is sent again however long ago its record was read',
    scenario: 'a writer sleeps on its copy until its record is collected',
    file: 'objects/src/object/commit/archive-version.ts',
    edits: [['checkStillValid(mutation);', '']],
  },
  {
    name: 'a version goes however recently it was replaced',
    scenario: 'what replaces a version lands late',
    file: 'objects/src/maintenance/gc/retention.ts',
    edits: [['const isSettled = isOld(landed);', 'const isSettled = true;']],
  },
];
