import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, it, vi } from 'vitest';
import { startServer } from '../../src/provide/server.ts';
import { redis } from '../../src/servers/redis.ts';

const provided = inject('redis');
const OWNER: string = fileURLToPath(new URL('../owner.ts', import.meta.url));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The folder of a server, which it works in. */
function folderOf(pid: number): string {
  return readlinkSync(`/proc/${pid}/cwd`);
}

async function until(condition: () => boolean): Promise<void> {
  await vi.waitUntil(condition, { timeout: 100_000, interval: 50 });
}

describe.skipIf('skip' in provided || !existsSync('/proc/self/cwd'))('a server that was started', () => {
  it.for<NodeJS.Signals>(['SIGKILL', 'SIGTERM', 'SIGINT'])('ends when its owner ends by %s', async (signal) => {
    const owner = spawn(process.execPath, ['--no-warnings', OWNER], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string];
    const { pid } = JSON.parse(line) as { pid: number };
    const folder = folderOf(pid);
    owner.kill(signal);
    await until(() => !isAlive(pid) && !existsSync(folder));
  });

  it('leaves nothing behind when it is stopped, also when it was killed before', async () => {
    const server = await startServer(redis);
    const folder = folderOf(server.pid);
    expect(existsSync(folder)).toBe(true);
    await server.kill();
    expect(isAlive(server.pid)).toBe(false);
    await server.restart();
    await server.kill();
    await server.stop();
    expect(existsSync(folder)).toBe(false);
  });

  it('is named if it ends by itself', async () => {
    const owner = spawn(process.execPath, ['--no-warnings', OWNER], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    owner.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const [line] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string];
    const { pid } = JSON.parse(line) as { pid: number };
    expect(said).not.toContain('ended');
    process.kill(pid, 'SIGKILL');
    await until(() => said.includes('services: redis: it ended by itself (SIGKILL); it said: '));
    const closed = once(owner, 'close');
    owner.kill();
    await closed;
  });
});
