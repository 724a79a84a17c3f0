import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ensureInstalled } from '../src/install.ts';
import type { Service } from '../src/service.ts';
import { redis } from '../src/servers/redis.ts';

/** A folder that is the whole `PATH`, with an `apt-get` of its own and a service that isn't installed. */
function machine(aptGet: string): { service: Service; folder: string; calls: () => string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-services-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const log = join(folder, 'calls');
  for (const name of ['apt-get', 'sudo']) {
    const path = join(folder, name);
    writeFileSync(
      path,
      `#!/bin/sh\necho "$(/usr/bin/basename $0) $*" >> ${log}\n${aptGet.replaceAll('$FOLDER', folder)}\n`,
    );
    chmodSync(path, 0o755);
  }
  vi.stubEnv('PATH', folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  const service = { ...redis, programs: ['no-such-server'], folders: [], debianPackages: ['no-such-package'] };
  const calls = (): string[] => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []);
  return { service, folder, calls };
}

const refuse = async (): Promise<void> => Promise.reject(new Error('no such release'));
const BRINGS = '/bin/cp $0 $FOLDER/no-such-server';

describe('what a server needs', () => {
  it('is not installed by a user who did not ask for it; the command is said', async () => {
    const { service, calls } = machine(BRINGS);
    const reason = await ensureInstalled(service, { root: false, asked: false });
    expect(reason).toMatch(/no-such-server not found; this installs it: sudo apt-get install .*no-such-package/);
    expect(calls()).toEqual([]);
  });

  it('is installed by root, and not again', async () => {
    const { service, calls } = machine(BRINGS);
    expect(await ensureInstalled(service, { root: true, asked: false })).toBeUndefined();
    expect(await ensureInstalled(service, { root: true, asked: false })).toBeUndefined();
    expect(calls()).toEqual([expect.stringMatching(/^apt-get install .*no-such-package$/)]);
  });

  it('is installed through sudo where it was asked for', async () => {
    const { service, calls } = machine(BRINGS);
    expect(await ensureInstalled(service, { root: false, asked: true })).toBeUndefined();
    expect(calls()).toEqual([expect.stringMatching(/^sudo -n .*apt-get install .*no-such-package$/)]);
  });

  it('is looked for again in fresh lists, and what fails then is said', async () => {
    const { service, calls } = machine('[ "$1" = update ] || { echo "E: Unable to locate package" >&2; exit 100; }');
    const reason = await ensureInstalled(service, { root: true, asked: false });
    expect(reason).toMatch(/no-such-package failed: E: Unable to locate package/);
    expect(calls().map((call) => call.split(' ')[1])).toEqual(['install', 'update', 'install']);
  });

  it('is set up once its programs are there, and what fails then is said', async () => {
    const { service } = machine(BRINGS);
    const steps: string[] = [];
    const setUp = async (): Promise<void> => void steps.push('set up');
    expect(await ensureInstalled({ ...service, setUp }, { root: false, asked: false })).toMatch(/not found/);
    expect(steps).toEqual([]);
    expect(await ensureInstalled({ ...service, setUp }, { root: true, asked: false })).toBeUndefined();
    expect(steps).toEqual(['set up']);
    const reason = await ensureInstalled({ ...service, setUp: refuse }, { root: true, asked: false });
    expect(reason).toMatch(/no such release/);
  });

  it('is missed where the package does not bring it', async () => {
    const { service } = machine('true');
    expect(await ensureInstalled(service, { root: true, asked: false })).toMatch(/brought no no-such-server/);
  });
});
