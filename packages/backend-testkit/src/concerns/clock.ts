import assert from 'node:assert/strict';
import { mustRead, scan, utf8 } from '../checks.ts';
import type { Concern } from '../types.ts';

/** `modified` and `now` are one clock, the backend's, and it never runs backwards. */
export const clock: Concern = {
  name: 'clock',
  tests: [
    {
      name: 'modified never runs backwards from write to write, whichever handle',
      needs: 'modified',
      run: async ({ backend, open, capabilities: { clockSkew } }) => {
        const other = await open();
        let previous = 0;
        for (let turn = 0; turn < 12; turn += 1) {
          const key = `tick/${turn % 3}`;
          await (turn % 2 === 0 ? backend : other).write(key, utf8(String(turn)));
          const { modified } = await mustRead(backend, key);
          assert.ok(Number.isFinite(modified) && modified > 0, `modified is ${modified}`);
          assert.ok(modified >= previous - clockSkew, `modified went from ${previous} back to ${modified}`);
          previous = modified;
        }
      },
    },
    {
      name: 'write, read and list give the same modified, and reading does not change it',
      needs: 'modified',
      run: async ({ backend }) => {
        const written = await backend.write('tick', utf8('x'));
        const first = await mustRead(backend, 'tick');
        const second = await mustRead(backend, 'tick');
        const [entry] = await scan(backend, 'tick');
        assert.deepEqual([second.modified, entry?.modified], [first.modified, first.modified]);
        if (written.modified !== undefined) assert.equal(written.modified, first.modified);
      },
    },
    {
      name: 'now is given by every read, is not before modified, and never runs backwards',
      needs: 'now',
      run: async ({ backend, open, capabilities: { clockSkew, modifiedResolution, rangeRead } }) => {
        const other = await open();
        let previous = 0;
        for (let turn = 0; turn < 6; turn += 1) {
          await backend.write('tick', utf8(`turn ${turn}`));
          const { now, modified } = await mustRead(turn % 2 === 0 ? backend : other, 'tick');
          assert.ok(now !== undefined, 'a read without now');
          // A coarse clock may round now down and modified up.
          const slack = clockSkew + modifiedResolution;
          assert.ok(now >= modified - slack, `now, ${now}, is before modified, ${modified}`);
          assert.ok(now >= previous - slack, `now went from ${previous} back to ${now}`);
          previous = now;
        }
        if (rangeRead)
          assert.ok((await backend.read('tick', { end: 1 }))?.now !== undefined, 'a range read without now');
      },
    },
    {
      name: 'no read gives now',
      without: 'now',
      run: async ({ backend }) => {
        await backend.write('tick', utf8('x'));
        assert.equal(
          (await mustRead(backend, 'tick')).now,
          undefined,
          'now is given, so the capability should be there',
        );
      },
    },
  ],
};
