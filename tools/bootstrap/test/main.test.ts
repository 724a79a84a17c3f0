import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const main: string = fileURLToPath(new URL('../main.mjs', import.meta.url));

describe('the bootstrap command', () => {
  it('tells a Node that is too old, in one line, what is needed', () => {
    const pretend = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"16.20.2"})';
    const { status, stderr } = spawnSync(process.execPath, ['--import', pretend, main, 'test'], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^securestore: .*Node 18 or newer, and this is Node 16\.20\.2\. .*\n$/);
  });
});
