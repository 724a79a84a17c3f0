import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { withLock } from '../lock.mjs';

describe('withLock', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'securestore-bootstrap-'));
    vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => {
      vi.restoreAllMocks();
      rmSync(folder, { recursive: true });
    });
  });

  it('lets one in at a time, and leaves nothing behind', async () => {
    let inside = 0;
    const most: number[] = [];
    const work = async (): Promise<void> => {
      most.push(++inside);
      await Promise.resolve();
      inside -= 1;
    };
    await Promise.all([withLock(folder, 'work', work), withLock(folder, 'work', work), withLock(folder, 'work', work)]);
    expect(most).toEqual([1, 1, 1]);
    expect(existsSync(join(folder, 'work.lock'))).toBe(false);
  });

  it('is free again after work that failed', async () => {
    await expect(withLock(folder, 'work', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    await expect(withLock(folder, 'work', () => Promise.resolve(1))).resolves.toBe(1);
  });

  it('takes over the lock of a process that is gone', async () => {
    const file = join(folder, 'work.lock');
    writeFileSync(file, '');
    const longAgo = new Date(Date.now() - 3_600_000);
    utimesSync(file, longAgo, longAgo);
    await expect(withLock(folder, 'work', () => Promise.resolve(1))).resolves.toBe(1);
  });
});
