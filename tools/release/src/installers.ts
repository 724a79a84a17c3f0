import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { npm } from '../../pack-check/src/pack.ts';
import { findProgram } from '../../services/src/service/programs.ts';
import { registry } from '../../services/src/servers/registry.ts';
import { environmentOf } from './registry.ts';

/** Installs what the `package.json` in `folder` asks for from the registry at `url`. */
export interface Installer {
  readonly name: string;
  readonly install: (folder: string, url: string) => Promise<void>;
}

const withNpm: Installer = {
  name: 'npm',
  install: async (folder, url) => {
    await npm(['install', '--ignore-scripts', '--no-audit', '--no-fund'], folder, environmentOf(url));
  },
};

/** No package finds what it doesn't declare, and no peer dependency may be missing. */
const withPnpm: Installer = {
  name: 'pnpm',
  install: async (folder, url) => {
    // Outside of the application, whose own dependencies packages would find otherwise.
    const packages = join(folder, '..', 'pnpm-packages');
    const settings = {
      virtualStoreDir: packages,
      enableGlobalVirtualStore: false,
      nodeLinker: 'isolated',
      hoist: false,
      strictPeerDependencies: true,
      autoInstallPeers: false,
      // What was published a moment ago is what is wanted.
      minimumReleaseAge: 0,
      storeDir: join(folder, '..', 'pnpm-store'),
      cacheDir: join(folder, '..', 'pnpm-cache'),
    };
    // YAML includes JSON.
    await writeFile(join(folder, 'pnpm-workspace.yaml'), JSON.stringify(settings));
    await writeFile(join(folder, '.npmrc'), `registry=${url}\n`);
    const program = findProgram(registry, 'pnpm') ?? 'pnpm';
    const env = { ...process.env, ...environmentOf(url) };
    await promisify(execFile)(program, ['install', '--ignore-scripts'], { cwd: folder, env, maxBuffer: 64 * 2 ** 20 });
    if (!existsSync(packages)) throw new Error(`pnpm did not isolate the packages: there is no ${packages}.`);
  },
};

export const INSTALLERS: readonly Installer[] = [withNpm, withPnpm];
