import type { PoolOptions, PoolRunnerInitializer, PoolTask, WorkerRequest } from 'vitest/node';
import { ForksPoolWorker } from 'vitest/node';
import { TORTURE } from '../../campaigns/src/size.ts';

/** How much of its heap a process may use when the next file of tests begins, in bytes. */
const MOST_USED = 300 * 2 ** 20;
/** How many files one process runs: what they leave outside of the heap is not counted. */
const MOST_FILES = 30;

/** Files that replace modules (`vi.mock`), or look at what their process has loaded, holds, or is kept alive by. */
export const ALONE: RegExp =
  /\/(?:conformance|ceph|cluster|faulty-backends|plugin-guide|client\/test\/streams|crypto\/test\/primitives\/suites|objects\/test\/store\/wiping)\.test\.ts$/;

const isAlone = (files: readonly { readonly filepath: string }[]): boolean =>
  files.some(({ filepath }) => ALONE.test(filepath));

function withoutViteConditions(args: readonly string[]): string[] {
  return args.filter((arg, at) => arg !== '--conditions' && args[at - 1] !== '--conditions');
}

/**
 * A process for files of tests, one after another: to load the modules anew for each file takes a second. What they leave
 * in its memory, such as stores whose calls never end because their process was "killed", makes all later ones slower,
 * so from some size on another process takes over. Some files get a process of their own, and in the longest form all of them.
 */
class RecycledFork extends ForksPoolWorker {
  override readonly name = 'recycled-forks';
  readonly reportMemory = true;
  #used = 0;
  #files = 0;
  #wasAlone = false;

  override async start(): Promise<void> {
    await super.start();
    this.on('message', (message: { readonly usedMemory?: number } | undefined) => {
      this.#used = message?.usedMemory ?? this.#used;
    });
  }

  override send(message: WorkerRequest): void {
    if (message.type === 'run') {
      this.#files += 1;
      this.#wasAlone = isAlone(message.context.files);
    }
    super.send(message);
  }

  canReuse({ context }: PoolTask): boolean {
    return !TORTURE && this.#used < MOST_USED && this.#files < MOST_FILES && !this.#wasAlone && !isAlone(context.files);
  }
}

export const recycledForks: PoolRunnerInitializer = {
  name: 'recycled-forks',
  // Vite's own conditions lead to files of dependencies that users don't get.
  createPoolWorker: (options: PoolOptions) =>
    new RecycledFork({ ...options, execArgv: withoutViteConditions(options.execArgv) }),
};
