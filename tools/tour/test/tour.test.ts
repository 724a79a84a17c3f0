import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';

const main: string = fileURLToPath(new URL('../src/main.ts', import.meta.url));

describe('the tour', () => {
  it('runs to its end without input, in plain text, and leaves nothing behind', async () => {
    const temporary = mkdtempSync(join(tmpdir(), 'securestore-tour-test-'));
    onTestFinished(() => rmSync(temporary, { recursive: true }));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--conditions=@securestore/source', main], {
      env: { ...process.env, TMPDIR: temporary },
    });
    expect(stderr).toBe('');
    for (const shown of ['createStore', 'INTEGRITY:', 'UNLOCK_FAILED:', 'CONFLICT:', '\n  securestore init\n']) {
      expect(stdout).toContain(shown);
    }
    expect(stdout).not.toContain('\u001B[');
    expect(readdirSync(temporary)).toEqual([]);
  });
});
