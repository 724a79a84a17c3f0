import assert from 'node:assert/strict';
import { rejection, textOf, utf8 } from '../support/checks.ts';
import type { Concern } from '../support/types.ts';

/** Conditions are kept or refused, never dropped. */
export const conditions: Concern = {
  name: 'conditions',
  tests: [
    {
      name: 'ifAbsent writes a missing key, and is CONFLICT on an existing one',
      needs: 'ifAbsent',
      run: async ({ backend }) => {
        await backend.write('new', utf8('first'), { ifAbsent: true });
        const error = await rejection(backend.write('new', utf8('second'), { ifAbsent: true }), 'CONFLICT');
        assert.deepEqual([error.key, error.backend, error.retryable], ['new', backend.name, false]);
        assert.equal(error.outcome, undefined, 'a failed condition has a known outcome');
        assert.equal(await textOf(backend, 'new'), 'first');
      },
    },
    {
      name: 'ifAbsent writes again after a deletion',
      needs: 'ifAbsent',
      run: async ({ backend }) => {
        await backend.write('new', utf8('first'), { ifAbsent: true });
        await backend.delete('new');
        await backend.write('new', utf8('second'), { ifAbsent: true });
        assert.equal(await textOf(backend, 'new'), 'second');
      },
    },
    {
      name: 'ifAbsent sees an empty body',
      needs: 'ifAbsent',
      run: async ({ backend }) => {
        await backend.write('empty', utf8(''));
        await rejection(backend.write('empty', utf8('x'), { ifAbsent: true }), 'CONFLICT');
      },
    },
    {
      name: 'ifMatch writes over the body with that etag, and is CONFLICT over another',
      needs: 'ifMatch',
      run: async ({ backend }) => {
        const first = await backend.write('body', utf8('first'));
        const second = await backend.write('body', utf8('second'), { ifMatch: first.etag });
        const error = await rejection(backend.write('body', utf8('third'), { ifMatch: first.etag }), 'CONFLICT');
        assert.deepEqual([error.key, error.retryable], ['body', false]);
        assert.equal(await textOf(backend, 'body'), 'second');
        await backend.write('body', utf8('fourth'), { ifMatch: second.etag });
        assert.equal(await textOf(backend, 'body'), 'fourth');
      },
    },
    {
      name: 'ifMatch on a missing key is CONFLICT and creates nothing',
      needs: 'ifMatch',
      run: async ({ backend }) => {
        const { etag } = await backend.write('body', utf8('x'));
        await rejection(backend.write('other', utf8('y'), { ifMatch: etag }), 'CONFLICT');
        assert.equal(await backend.read('other'), undefined);
        await backend.delete('body');
        await rejection(backend.write('body', utf8('y'), { ifMatch: etag }), 'CONFLICT');
        assert.equal(await backend.read('body'), undefined);
      },
    },
    {
      name: 'an etag that was never given is CONFLICT',
      needs: 'ifMatch',
      run: async ({ backend }) => {
        await backend.write('body', utf8('x'));
        await rejection(backend.write('body', utf8('y'), { ifMatch: 'no-such-etag' }), 'CONFLICT');
        assert.equal(await textOf(backend, 'body'), 'x');
      },
    },
    {
      name: 'both conditions at once are INVALID_ARGUMENT',
      run: async ({ backend }) => {
        const { etag } = await backend.write('body', utf8('x'));
        const both = { ifAbsent: true, ifMatch: etag } as const;
        await rejection(backend.write('body', utf8('y'), both), 'INVALID_ARGUMENT');
        assert.equal(await textOf(backend, 'body'), 'x');
      },
    },
    {
      name: 'a delete with ifMatch deletes that body and no other',
      needs: 'conditionalDelete',
      run: async ({ backend }) => {
        const first = await backend.write('body', utf8('first'));
        const second = await backend.write('body', utf8('second'));
        await rejection(backend.delete('body', { ifMatch: first.etag }), 'CONFLICT');
        assert.equal(await textOf(backend, 'body'), 'second');
        await backend.delete('body', { ifMatch: second.etag });
        assert.equal(await backend.read('body'), undefined);
        await rejection(backend.delete('body', { ifMatch: second.etag }), 'CONFLICT');
      },
    },
    {
      name: 'ifAbsent is UNSUPPORTED and nothing is written',
      without: 'ifAbsent',
      run: async ({ backend }) => {
        await rejection(backend.write('new', utf8('x'), { ifAbsent: true }), 'UNSUPPORTED');
        assert.equal(await backend.read('new'), undefined);
      },
    },
    {
      name: 'ifMatch is UNSUPPORTED and nothing is written',
      without: 'ifMatch',
      run: async ({ backend }) => {
        const { etag } = await backend.write('body', utf8('x'));
        await rejection(backend.write('body', utf8('y'), { ifMatch: etag }), 'UNSUPPORTED');
        assert.equal(await textOf(backend, 'body'), 'x');
      },
    },
    {
      name: 'a delete with ifMatch is UNSUPPORTED and nothing is deleted',
      without: 'conditionalDelete',
      run: async ({ backend }) => {
        const { etag } = await backend.write('body', utf8('x'));
        await rejection(backend.delete('body', { ifMatch: etag }), 'UNSUPPORTED');
        await rejection(backend.delete('body', { ifMatch: 'no-such-etag' }), 'UNSUPPORTED');
        assert.equal(await textOf(backend, 'body'), 'x');
      },
    },
  ],
};
