import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { cacheFolder, installFromGo, installFromNpm } from '../../src/service/cache.ts';
import { ensureInstalled } from '../../src/provide/install.ts';
import type { Service } from '../../src/service/service.ts';
import { redis } from '../../src/servers/redis.ts';

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

const compileServer = async (): Promise<void> => installFromGo('server', 'example.org/server', 'v1.2.3');
const installServer = async (): Promise<void> => installFromNpm('server', '1.2.3');

/** An `npm` that puts a program where packages have theirs, in a cache of its own. */
function withNpm(npm: string): { service: Service; cache: string } {
  const cache = mkdtempSync(join(tmpdir(), 'securestore-services-cache-'));
  const bin = mkdtempSync(join(tmpdir(), 'securestore-services-npm-'));
  onTestFinished(() => [cache, bin].forEach((folder) => rmSync(folder, { recursive: true })));
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\n${npm}\n`, { mode: 0o755 });
  vi.stubEnv('PATH', `${bin}:/usr/bin:/bin`);
  vi.stubEnv('XDG_CACHE_HOME', cache);
  onTestFinished(() => void vi.unstubAllEnvs());
  const folders = [join(cacheFolder('server-1.2.3'), 'node_modules/.bin')];
  return {
    service: { ...redis, programs: ['no-such-server'], folders, debianPackages: [], install: installServer },
    cache,
  };
}

describe('what a server needs that npm brings', () => {
  const BRINGS_IT = 'mkdir -p "$3/node_modules/.bin" && cp "$0" "$3/node_modules/.bin/no-such-server"';

  it('is installed into the cache without any rights, once, also by several at the same time', async () => {
    const { service, cache } = withNpm(`${BRINGS_IT} && echo "$*" >> "$XDG_CACHE_HOME/calls"`);
    const rights = { root: false, asked: false };
    const both = await Promise.all([ensureInstalled(service, rights), ensureInstalled(service, rights)]);
    expect(both).toEqual([undefined, undefined]);
    expect(await ensureInstalled(service, rights)).toBeUndefined();
    const calls = readFileSync(join(cache, 'calls'), 'utf8').trim().split('\n');
    expect(calls.length).toBeLessThanOrEqual(2);
    expect(calls[0]).toMatch(/^install --prefix .* server@1\.2\.3$/);
    expect(readdirSync(join(cache, 'securestore-services'))).toEqual(['server-1.2.3']);
  });

  it('is said not to be there where npm fails, and nothing half remains', async () => {
    const { service, cache } = withNpm(`${BRINGS_IT}; echo "npm error network" >&2; exit 1`);
    const reason = await ensureInstalled(service, { root: true, asked: true });
    expect(reason).toMatch(/no-such-server not found, and installing it failed: npm error network/);
    expect(readdirSync(join(cache, 'securestore-services'))).toEqual([]);
  });

  it('is said not to be there where there is nothing to install it with', async () => {
    const { service } = withNpm('true');
    vi.stubEnv('PATH', '/no/such/folder');
    for (const [how, program] of [
      [service, 'npm'],
      [{ ...service, install: compileServer }, 'go'],
    ] as const) {
      const reason = await ensureInstalled(how, { root: true, asked: true });
      expect(reason).toContain(`no-such-server not found, and installing it failed: there is no ${program} `);
    }
  });

  it('is tried again with what Debian has for it, where that may be installed', async () => {
    const { service, folder, calls } = machine('/bin/cp $0 $FOLDER/python');
    const withPython = {
      ...service,
      folders: [folder],
      install: async () => {
        if (!existsSync(join(folder, 'python'))) throw new Error('no module named venv');
        writeFileSync(join(folder, 'no-such-server'), '', { mode: 0o755 });
      },
    };
    const reason = await ensureInstalled(withPython, { root: false, asked: false });
    expect(reason).toMatch(
      /not found, and installing it failed: no module named venv; .*apt-get install .*no-such-package/,
    );
    expect(calls()).toEqual([]);
    expect(await ensureInstalled(withPython, { root: true, asked: false })).toBeUndefined();
    expect(calls()).toEqual([expect.stringMatching(/^apt-get install .*no-such-package$/)]);
  });

  it('is missed where npm does not bring it', async () => {
    const { service } = withNpm('true');
    expect(await ensureInstalled(service, { root: false, asked: false })).toMatch(/brought no no-such-server/);
  });
});

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
});
