import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A mounted folder that goes with its scope. */
export interface Mount extends Disposable {
  readonly path: string;
}

/** Why nothing can be mounted here; `undefined` where it can. */
export const NO_MOUNTS: string | undefined =
  process.platform === 'linux' && process.getuid?.() === 0 ? undefined : 'mounting a file system needs Linux and root';

function mount(...argv: string[]): Mount {
  const path = mkdtempSync(join(tmpdir(), 'securestore-mount-'));
  execFileSync('mount', [...argv, path]);
  return {
    path,
    [Symbol.dispose]: () => {
      execFileSync('umount', ['--lazy', path]);
      rmdirSync(path);
    },
  };
}

/** An empty file system in memory that holds at most `kibibytes`. */
export function mountSmall(kibibytes: number): Mount {
  return mount('-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs');
}

/** `folder` once more, where nobody can write. */
export function mountReadOnly(folder: string): Mount {
  const mounted = mount('--bind', folder);
  execFileSync('mount', ['-o', 'remount,bind,ro', mounted.path]);
  return mounted;
}
