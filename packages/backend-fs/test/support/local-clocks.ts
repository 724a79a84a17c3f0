import type { StorageBackend } from '@securestore/backend-api';
import { expect, test } from 'vitest';
import { withMachineClock } from '../../../backend-testkit/src/support/machine-clock.ts';

const MONTH: number = 30 * 24 * 3_600_000;
const MINUTE = 60_000;

/** Opens a backend at the one store URL of a test, by the machine's clock or another one. */
export type OpenAt = (clock?: () => number) => Promise<StorageBackend>;

const body = new Uint8Array(1);

async function modifiedAt(backend: StorageBackend, key: string): Promise<number> {
  return (await backend.read(key))?.modified ?? 0;
}

/** Declares the tests of a backend whose clock is this machine's and a record of its own. @param place a new store URL */
export function describeLocalClock(place: () => OpenAt): void {
  test('a process whose clock is a month ahead writes nothing, and is told; others go on', async () => {
    const open = place();
    const right = await open();
    await right.write('o/a', body);
    await withMachineClock(async (machine) => {
      machine.set(MONTH);
      const ahead = await open();
      const refused = {
        code: 'UNAVAILABLE',
        retryable: false,
        message: expect.stringMatching(
          /clock of this process is 25\d{5} s ahead of the file system's\. Nothing was changed/,
        ),
      };
      await expect(ahead.write('o/a', body)).rejects.toMatchObject(refused);
      await expect(ahead.write('o/new', body)).rejects.toMatchObject(refused);
      await expect(ahead.delete('o/a')).rejects.toMatchObject(refused);
      // From then on it shows by how much it is wrong.
      expect((await ahead.read('o/a'))?.now).toBeLessThan(Date.now() - MONTH + MINUTE);
      expect(await ahead.read('o/new')).toBeUndefined();
      machine.set(0);
      await ahead.write('o/c', body);
    });
    await right.write('o/b', body);
    expect(await modifiedAt(right, 'o/b')).toBeLessThan(Date.now() + MINUTE);
  });

  test('a new store is not begun by a clock that is a month ahead', async () => {
    const open = place();
    await withMachineClock(async (machine) => {
      machine.set(MONTH);
      await expect((await open()).write('store', body)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    });
    const right = await open();
    expect(await right.list('')).toEqual({ entries: [], more: false });
    await right.write('store', body);
  });

  test('a store that nobody wrote to for a month is written to at once', async () => {
    const open = place();
    await withMachineClock(async (machine) => {
      machine.set(-MONTH);
      await (await open()).write('o/a', body);
    });
    const backend = await open();
    const before = Date.now();
    await backend.write('o/b', body);
    expect(await modifiedAt(backend, 'o/a')).toBeLessThan(before - MONTH + MINUTE);
    expect(await modifiedAt(backend, 'o/b')).toBeGreaterThanOrEqual(before);
  });

  test('a clock that was set back stands still but for a step now and then, so that later writes can be told', async () => {
    const open = place();
    let now = Date.now();
    const backend = await open(() => now);
    await backend.write('o/a', body);
    const latest = now;
    now -= 5 * MINUTE;
    const times: number[] = [];
    for (let n = 0; n < 3; n++) {
      await backend.write('o/b', body);
      times.push(await modifiedAt(backend, 'o/b'));
    }
    expect(times[0]).toBe(latest + 1);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect((await backend.read('o/a'))?.now).toBe(times.at(-1));
  });

  test('a clock that is ahead is set back, and what is later with it, also for those who have the store open', async () => {
    const open = place();
    let now = Date.now();
    const clock = (): number => now;
    const [backend, other] = [await open(clock), await open(clock)];
    await backend.write('o/old', body);
    const old = now;
    now += MONTH;
    for (const key of ['store', 'o/a', 'h/abc./@1', 'j/deep/er./@0/x']) await backend.write(key, body);
    await other.write('o/b', body);
    const etag = (await backend.read('o/a'))?.etag ?? '';
    now += MINUTE - MONTH;
    expect(await backend.resetClock?.()).toBe(MONTH - MINUTE);
    for (const each of [backend, other, await open(clock)]) {
      for (const key of ['store', 'o/a', 'o/b', 'h/abc./@1', 'j/deep/er./@0/x']) {
        expect(await each.read(key)).toMatchObject({ modified: now, now });
      }
      expect(await modifiedAt(each, 'o/old')).toBe(old);
      expect((await each.list('')).entries.filter(({ modified }) => modified > now)).toEqual([]);
    }
    now += 5;
    await other.write('o/a', body, { ifMatch: etag });
    expect(await backend.read('o/a')).toMatchObject({ modified: now, now });
  });

  test('a clock that is not ahead is left alone, and a store that is not there is not made', async () => {
    const open = place();
    const backend = await open();
    expect(await backend.resetClock?.()).toBe(0);
    expect(await backend.list('')).toEqual({ entries: [], more: false });
    await backend.write('o/a', body);
    const before = await backend.list('');
    expect(await backend.resetClock?.()).toBe(0);
    expect(await backend.list('')).toEqual(before);
  });
}
