import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { npm } from './pack.ts';

/** What npm reports if no registry answers. */
const UNREACHABLE =
  /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT)\b/;

/** Where an installer keeps what npm downloads. */
export interface Caches {
  /** A folder that is empty at first, as the cache of a new user is. */
  readonly fresh: string;
  /** A folder outside the checkout with the downloads of an earlier run, for a run without a network. */
  readonly kept: string;
}

function isUnreachable(error: unknown): boolean {
  const { stderr = '' } = error as { stderr?: string };
  return UNREACHABLE.test(stderr);
}

/** Whether a registry answers, whatever it says. An install tries each package again for a minute before it gives up. */
async function answers(): Promise<boolean> {
  try {
    await npm(['ping', '--fetch-retries=0'], tmpdir());
    return true;
  } catch (error) {
    return !isUnreachable(error);
  }
}

/** Installs applications as a new user does. */
export interface ApplicationInstaller {
  /**
   * Runs `npm install` in a folder, for some tarballs or for what its manifest names. The first install without a registry changes to the kept cache, for the rest of
   * the run.
   *
   * @throws Error with what npm printed; without a registry and a kept cache, too
   */
  install(folder: string, tarballs?: readonly string[]): Promise<void>;
  /** Whether packages came from the kept cache. */
  readonly offline: boolean;
  /** Keeps the downloads of this run for later ones, unless it was offline. */
  keep(): Promise<void>;
}

export function applicationInstaller({ fresh, kept }: Caches): ApplicationInstaller {
  let offline = false;
  let asked = false;
  const run = (folder: string, tarballs: readonly string[]): Promise<string> => {
    // What an earlier install of this run has found out about a package is not asked again.
    const source = offline ? ['--cache', kept, '--offline'] : ['--cache', fresh, '--prefer-offline'];
    return npm(['install', ...source, '--ignore-scripts', '--no-audit', '--no-fund', ...tarballs], folder);
  };
  return {
    async install(folder, tarballs = []) {
      if (!asked && existsSync(kept)) offline = !(await answers());
      asked = true;
      try {
        await run(folder, tarballs);
      } catch (error) {
        if (offline || !isUnreachable(error) || !existsSync(kept)) throw error;
        offline = true;
        await run(folder, tarballs);
      }
    },
    get offline() {
      return offline;
    },
    async keep() {
      if (offline) return;
      await mkdir(dirname(kept), { recursive: true });
      const next = await mkdtemp(`${kept}.`);
      try {
        await cp(fresh, next, { recursive: true });
        await rm(kept, { recursive: true, force: true });
        await rename(next, kept);
      } finally {
        await rm(next, { recursive: true, force: true });
      }
    },
  };
}
