import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ensureInstalled } from '../src/install.ts';
import { missingPrograms } from '../src/programs.ts';
import { pythonFolder } from '../src/python.ts';
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

  it('is missed where the package does not bring it', async () => {
    const { service } = machine('true');
    expect(await ensureInstalled(service, { root: true, asked: false })).toMatch(/brought no no-such-server/);
  });

  it('is tried where single tests only wish for it, and is no reason where it can not be had', async () => {
    const { service, calls } = machine('exit 100');
    const { programs, debianPackages } = service;
    const content = { ...service, programs: [], wished: { programs, debianPackages } };
    expect(await ensureInstalled(content, { root: false, asked: false })).toBeUndefined();
    expect(calls()).toEqual([]);
    expect(await ensureInstalled(content, { root: true, asked: false })).toBeUndefined();
    expect(calls().at(0)).toMatch(/^apt-get install .*no-such-package$/);
  });

  it('is installed with pip into a cache without any right, and what fails is said with what may help', async () => {
    const { service, folder, calls } = machine('exit 100');
    vi.stubEnv('XDG_CACHE_HOME', folder);
    const python = { ...service, pythonPackages: ['no-such-python-package'] };
    writeFileSync(join(folder, 'python3'), '#!/bin/sh\necho "no module named venv" >&2\nexit 1\n', { mode: 0o755 });
    const reason = await ensureInstalled(python, { root: false, asked: false });
    expect(reason).toMatch(
      /no-such-python-package with pip failed: no module named venv; .*apt-get install .*no-such-package/,
    );
    expect(calls()).toEqual([]);
    // A Python that makes an environment whose Python installs whatever it is told to.
    const bin = join(pythonFolder(python.pythonPackages), 'bin');
    const installer = `#!/bin/sh\n/bin/cp "$0" ${join(bin, 'no-such-server')}\n`;
    const maker = `#!/bin/sh\n/bin/mkdir -p ${bin}\n/bin/cp ${join(folder, 'installer')} ${join(bin, 'python3')}\n`;
    writeFileSync(join(folder, 'installer'), installer, { mode: 0o755 });
    writeFileSync(join(folder, 'python3'), maker, { mode: 0o755 });
    const found = { ...python, folders: [bin] };
    expect(await ensureInstalled(found, { root: false, asked: false })).toBeUndefined();
    expect(missingPrograms(found)).toEqual([]);
  });
});
