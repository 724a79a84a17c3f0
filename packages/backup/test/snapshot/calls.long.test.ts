import type { Layer } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import { club } from '../../../objects/test/support/members.ts';
import { Backups } from '../../src/index.ts';
import { Shelf } from '../support/shelf.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const PLACE = 'memory:backups';
const OBJECTS = sized({ short: 10_000, full: 20_000, torture: 100_000 });
const CHANGES = OBJECTS / 1000;

/** A layer that counts calls. */
function counter(): { readonly count: { calls: number }; readonly layer: Layer } {
  const count = { calls: 0 };
  const counting =
    <A extends unknown[], R>(method: (...given: A) => R) =>
    (...given: A): R => {
      count.calls += 1;
      return method(...given);
    };
  const layer: Layer = (inner) =>
    forwardTo(inner, {
      read: counting((...given) => inner.read(...given)),
      write: counting((...given) => inner.write(...given)),
      delete: counting((...given) => inner.delete(...given)),
      list: counting((...given) => inner.list(...given)),
      batch: counting(async (...given) => inner.batch?.(...given) ?? []),
    });
  return { count, layer };
}

describe('a snapshot', () => {
  it(`takes at most one in a hundred calls of a full one for ${CHANGES} changes among ${OBJECTS} objects`, async () => {
    const [source, target] = [counter(), counter()];
    const { clock, owner } = await club({ layers: [source.layer] });
    const shelf = new Shelf(() => clock.now(), [target.layer]);
    const backups = new Backups(owner, shelf.connect);
    const items = Array.from({ length: OBJECTS }, (_, at) => ({ key: `red/${at % 100}/${at}`, data: `value ${at}` }));
    await owner.storeMany(items);
    const reset = (): void => void (source.count.calls = target.count.calls = 0);
    const calls = (): number => source.count.calls + target.count.calls;
    reset();
    const full = await backups.backup(PLACE);
    expect(full).toMatchObject({ objects: OBJECTS });
    const all = calls();
    for (let at = 0; at < CHANGES; at++) await owner.store(`red/${at % 100}/${at * 997}`, 'changed');
    reset();
    expect(await backups.backup(PLACE)).toMatchObject({ copied: { versions: CHANGES } });
    expect(calls()).toBeLessThanOrEqual(all / 100);
    reset();
    expect(await backups.backup(PLACE)).toMatchObject({ copied: { versions: 0 } });
    // Whatever is in it.
    expect(calls()).toBeLessThan(60);
  });
});
