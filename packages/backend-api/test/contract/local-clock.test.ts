import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fileSystemTime, LocalClock } from '../../src/index.ts';

const MINUTE = 60_000;
const NOW = 1_800_000_000_000;

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-witness-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A clock at {@link NOW}, and how often its witness was asked. */
function clockBeside(witness: number | undefined) {
  const world = { now: NOW, passed: 0, asked: 0 };
  const clock = new LocalClock({
    now: () => world.now,
    monotonic: () => world.passed,
    witness: () => {
      world.asked += 1;
      return witness;
    },
  });
  return { world, clock };
}

describe('a local clock', () => {
  test('moves by up to ten minutes without asking anybody', () => {
    const { world, clock } = clockBeside(0);
    expect(clock.next(NOW - 10 * MINUTE)).toBe(NOW);
    expect(clock.next(NOW)).toBe(NOW);
    expect(world.asked).toBe(0);
  });

  test('moves by more if the witness has seen the time too, or nobody can tell', () => {
    expect(clockBeside(NOW - 9 * MINUTE).clock.next(NOW - 60 * MINUTE)).toBe(NOW);
    expect(clockBeside(NOW + 60 * MINUTE).clock.next(0)).toBe(NOW);
    expect(clockBeside(undefined).clock.next(0)).toBe(NOW);
  });

  test('does not move to a time that the witness has not seen', () => {
    const { clock } = clockBeside(NOW - 11 * MINUTE);
    for (const last of [0, NOW - 60 * MINUTE]) {
      expect(() => clock.next(last)).toThrow(
        expect.objectContaining({
          code: 'UNAVAILABLE',
          retryable: false,
          message: expect.stringContaining("660 s ahead of the file system's"),
        }),
      );
    }
  });

  test('that was found to be ahead shows the time of the witness, until it is set right', () => {
    const { world, clock } = clockBeside(NOW - 60 * MINUTE);
    expect(clock.now()).toBe(NOW);
    expect(() => clock.next(0)).toThrow();
    world.now += 5;
    world.passed += 5;
    expect(clock.now()).toBe(NOW - 60 * MINUTE + 5);
    world.now -= 60 * MINUTE;
    expect(clock.now()).toBe(NOW - 60 * MINUTE + 5);
    expect(clock.next(0)).toBe(NOW - 60 * MINUTE + 5);
  });

  test('that was set back moves by a millisecond for each tenth of a second, until the time has caught up', () => {
    const { world, clock } = clockBeside(NOW);
    const times: number[] = [];
    let last = NOW + 10;
    for (let round = 0; round < 400; round++) {
      last = clock.next(last);
      times.push(last);
      world.passed += 1;
      world.now += 1;
    }
    expect(times.slice(0, 3)).toEqual([NOW + 11, NOW + 11, NOW + 11]);
    expect(times.slice(11)).toEqual(Array.from({ length: 389 }, (_, n) => NOW + 11 + n));
    world.now -= 5 * MINUTE;
    const from = last;
    for (let round = 0; round < 400; round++) {
      last = clock.next(last);
      world.passed += 1;
    }
    expect(last).toBe(from + 4);
  });
});

describe('the time of the file system', () => {
  test('is that of a new file, which is gone afterwards, also one that was left', () => {
    const folder = scratch();
    const path = join(folder, 'clock');
    writeFileSync(path, 'left');
    const before = Date.now();
    const time = fileSystemTime(path);
    // File systems stamp by a coarse clock.
    expect(time).toBeGreaterThan(before - 2_000);
    expect(time).toBeLessThan(Date.now() + 2_000);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is not read from what a link leads to', () => {
    const folder = scratch();
    writeFileSync(join(folder, 'kept'), 'mine');
    symlinkSync(join(folder, 'kept'), join(folder, 'clock'));
    expect(fileSystemTime(join(folder, 'clock'))).toBeDefined();
    expect(readFileSync(join(folder, 'kept'), 'utf8')).toBe('mine');
  });

  test('is not known if no file can be made', () => {
    expect(fileSystemTime(join(scratch(), 'missing', 'clock'))).toBeUndefined();
  });
});
