import assert from 'node:assert/strict';
import { rejectionOf, scanKeys, utf8 } from '../support/checks.ts';
import type { Concern } from '../support/types.ts';

/** What is not there is no error, and an error is not taken for it. */
export const missingKeys: Concern = {
  name: 'missing keys',
  tests: [
    {
      name: 'read gives undefined',
      run: async ({ backend }) => {
        assert.equal(await backend.read('nothing/here'), undefined);
      },
    },
    {
      name: 'a range read gives undefined',
      needs: 'rangeRead',
      run: async ({ backend }) => {
        assert.equal(await backend.read('nothing/here', { start: 1, end: 2 }), undefined);
      },
    },
    {
      name: 'delete does nothing',
      run: async ({ backend }) => {
        await backend.write('kept', utf8('kept'));
        await backend.delete('nothing/here');
        await backend.delete('kept/below');
        assert.deepEqual(await scanKeys(backend, ''), ['kept']);
      },
    },
    {
      name: 'a deleted key is missing, and may be deleted again',
      run: async ({ backend }) => {
        await backend.write('gone', utf8('x'));
        await backend.delete('gone');
        assert.equal(await backend.read('gone'), undefined);
        await backend.delete('gone');
        assert.deepEqual(await scanKeys(backend, ''), []);
      },
    },
    {
      name: 'a store URL with nothing there lists nothing',
      run: async ({ backend }) => {
        assert.deepEqual(await backend.list(''), { entries: [], more: false });
      },
    },
    {
      name: 'an I/O failure is an error, never a missing key',
      skip: ({ canBreakStorage }) => (canBreakStorage ? undefined : 'the fixture has no breakStorage'),
      run: async ({ backend, breakStorage }) => {
        await backend.write('there', utf8('x'));
        await breakStorage();
        const failed = ['UNAVAILABLE', 'TIMEOUT', 'INTERNAL', 'LOCKED'] as const;
        const error = await rejectionOf('read of what is there', backend.read('there'), ...failed);
        assert.equal(error.backend, backend.name);
        await rejectionOf('read of what never was', backend.read('never/there'), ...failed);
        await rejectionOf('list("")', backend.list(''), ...failed);
        const refused = ['UNAVAILABLE', 'TIMEOUT', 'INTERNAL', 'LOCKED', 'READ_ONLY', 'NO_SPACE'] as const;
        await rejectionOf('write', backend.write('more', utf8('x')), ...refused);
        await rejectionOf('delete', backend.delete('there'), ...refused);
      },
    },
  ],
};
