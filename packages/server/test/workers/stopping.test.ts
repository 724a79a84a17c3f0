import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { serve } from '../../src/index.ts';
import { PATIENCE, storeWithAnn, until, workerWorld } from '../support/worker-world.ts';
import { workersOf } from '../support/workers-of.ts';

/** Child processes of this one that run a worker. */
function workersHere(url: string): string[] {
  const all = execFileSync('ps', ['-eo', 'ppid=,args=']).toString().split('\n');
  return all.filter((line) => line.trim().startsWith(`${process.pid} `) && line.includes(url));
}

it.skipIf(process.platform === 'win32')(
  'stops at once while its workers start, and leaves no process and no file',
  async () => {
    const { store, url } = await storeWithAnn();
    const temp = mkdtempSync(join(tmpdir(), 'ss-stopping-'));
    onTestFinished(() => rmSync(temp, { recursive: true, force: true }));
    const { TMPDIR } = process.env;
    process.env['TMPDIR'] = temp;
    const server = await serve(store, { port: 0, console: false, workers: workersOf(url, 2) });
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
    // For a moment it is a copy of this process, whose arguments are others.
    await until('a worker is there', () => workersHere(url).length > 0);
    expect(workersHere(url)).toHaveLength(1);
    expect(readdirSync(temp)).toHaveLength(1);
    await server.close();
    expect(workersHere(url)).toEqual([]);
    expect(readdirSync(temp)).toEqual([]);
  },
  2 * PATIENCE,
);

it(
  'ends requests that take too long, and their workers',
  async () => {
    const { server, token, port } = await workerWorld({ limits: { closeTimeout: 200 } });
    // A body that never ends: without the limit the worker would wait for it.
    const sent = fetch(`http://127.0.0.1:${port}/v1/objects/k`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
      body: new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('begun')) }),
      duplex: 'half',
    });
    const outcome = sent.then(
      () => 'answered',
      () => 'ended',
    );
    await new Promise((resolve) => setTimeout(resolve, 500));
    await server.close();
    expect(await outcome).toBe('ended');
  },
  2 * PATIENCE,
);
