import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { applicationInstaller } from '../src/application-installer.ts';
import { npm } from '../src/pack.ts';
import { LONG, onlyLong } from '../../campaigns/src/size.ts';

let root: string;

/** A registry with one package, which counts what it is asked for. */
async function registry(): Promise<{ readonly asked: string[]; readonly end: () => Promise<void> }> {
  const source = join(root, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'package.json'), JSON.stringify({ name: 'dep', version: '1.0.0' }));
  await npm(['pack', '--pack-destination', root], source);
  const tarball = readFileSync(join(root, 'dep-1.0.0.tgz'));
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (request.url?.endsWith('.tgz')) return response.end(tarball);
    const dist = { tarball: `http://127.0.0.1:${(server.address() as AddressInfo).port}/dep-1.0.0.tgz` };
    const versions = { '1.0.0': { name: 'dep', version: '1.0.0', dist } };
    return response.end(JSON.stringify({ name: 'dep', 'dist-tags': { latest: '1.0.0' }, versions }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('npm_config_registry', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const end = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(end);
  return { asked, end };
}

/** An application that depends on the package. @returns its folder */
function application(name: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: { dep: '^1.0.0' } }));
  return folder;
}

const isInstalled = (folder: string): boolean => existsSync(join(folder, 'node_modules/dep/package.json'));

const installer = (fresh: string): ReturnType<typeof applicationInstaller> =>
  applicationInstaller({ fresh: join(root, fresh), kept: join(root, 'kept/cache') });

describe('an installer of applications', () => {
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'securestore-installer-'));
    onTestFinished(() => rmSync(root, { recursive: true }));
    vi.stubEnv('npm_config_fetch_retries', '0');
  });

  it('asks the registry each time, and without one takes what an earlier run has kept', async () => {
    const { asked, end } = await registry();
    for (const name of LONG ? ['one', 'two'] : ['one']) {
      asked.length = 0;
      const source = installer(`cache-${name}`);
      const folder = application(name);
      await source.install(folder);
      expect([isInstalled(folder), source.offline]).toEqual([true, false]);
      expect(asked).toContain('/dep-1.0.0.tgz');
      await source.keep();
    }
    await end();
    // As npm does by default, which takes a minute for each package.
    vi.stubEnv('npm_config_fetch_retries', '2');
    const source = installer('cache-three');
    const folder = application('three');
    await source.install(folder);
    expect([isInstalled(folder), source.offline]).toEqual([true, true]);
  });

  it.runIf(LONG)(
    onlyLong('fails with what npm said if neither a registry nor a kept cache is there, or if no version fits'),
    async () => {
      const { end } = await registry();
      const folder = application('one');
      const other = application('two');
      writeFileSync(join(other, 'package.json'), JSON.stringify({ private: true, dependencies: { dep: '^9.0.0' } }));
      const source = installer('cache');
      await expect(source.install(other)).rejects.toMatchObject({ stderr: expect.stringContaining('ETARGET') });
      await end();
      await expect(source.install(folder)).rejects.toMatchObject({ stderr: expect.stringContaining('ECONNREFUSED') });
      expect(source.offline).toBe(false);
    },
  );
});
