import assert from 'node:assert/strict';
import type { StorageBackend } from '@securestore/backend-api';
import { mustRead, scan, utf8 } from '../support/checks.ts';
import { CLOCK_JUMP, withMachineClock } from '../support/machine-clock.ts';
import type { Concern, Subject } from '../support/types.ts';

function clockElsewhere({ canSetClock }: Subject): string | undefined {
  return canSetClock ? undefined : 'its clock is not the Date of this process';
}

/** Writes `key` and gives the time that it is marked with, which is not before `previous`. */
async function tick(backend: StorageBackend, key: string, previous: number, what: string): Promise<number> {
  const { clockSkew, modifiedResolution } = backend.capabilities;
  const written = await backend.write(key, utf8(what));
  const { modified, now = Infinity } = await mustRead(backend, key);
  assert.ok(modified >= previous - clockSkew, `${what}: modified went from ${previous} back to ${modified}`);
  assert.equal(written.modified ?? modified, modified, `${what}: write and read give another modified`);
  const slack = clockSkew + modifiedResolution;
  assert.ok(now >= previous - slack, `${what}: now, ${now}, is before ${previous}`);
  return modified;
}

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
      name: 'modified and now never run backwards when the clock of the machine is set back',
      needs: 'modified',
      skip: clockElsewhere,
      run: async ({ elsewhere }) =>
        withMachineClock(async (machine) => {
          const open = await elsewhere();
          const backend = await open();
          let last = await tick(backend, 'tick', 0, 'a first write');
          machine.set(-CLOCK_JUMP);
          last = await tick(backend, 'tick', last, 'an overwrite');
          last = await tick(backend, 'tick/new', last, 'another key');
          await backend.delete('tick');
          last = await tick(backend, 'tick', last, 'a key that was deleted');
          const entries = await scan(backend, '');
          assert.ok(
            entries.every(({ modified }) => modified <= last),
            'list gives another modified',
          );
          await tick(await open(), 'tick', last, 'a second handle');
        }),
    },
    {
      name: 'modified and now never run backwards when everything is opened again and the clock was set back',
      needs: 'modified',
      skip: clockElsewhere,
      run: async ({ elsewhere }) =>
        withMachineClock(async (machine) => {
          const open = await elsewhere();
          const backend = await open();
          const kept = await tick(backend, 'kept', 0, 'a first write');
          // Time has to be seen to have passed, so that what was last written alone is the latest.
          machine.set(CLOCK_JUMP);
          const last = await tick(backend, 'gone', kept, 'a later write');
          await backend.delete('gone');
          await backend.close();
          machine.set(-CLOCK_JUMP);
          const again = await open();
          assert.equal((await mustRead(again, 'kept')).modified, kept, 'modified of what was there changed');
          await tick(again, 'gone', last, 'a write after the latest one was deleted and all was closed');
        }),
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
