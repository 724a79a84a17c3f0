import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run: (program: string, args: readonly string[]) => Promise<{ readonly stdout: string }> = promisify(execFile);

/** Confines all threads of a process to some processors, such as `0` or `0,1`. The processes that it starts later are confined, too. */
export async function confine(pid: number, processors: string): Promise<void> {
  await run('taskset', ['--all-tasks', '--cpu-list', '--pid', processors, String(pid)]);
}

/** A process and those that it has started, as long as they run. */
async function family(pid: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', String(pid)]).catch(() => ({ stdout: '' }));
  const children = stdout
    .split('\n')
    .map(Number)
    .filter((child) => child > 0);
  return [pid, ...(await Promise.all(children.map(family))).flat()];
}

/** Milliseconds of all processors that a process and those that it has started have used. */
export async function processorTimeOf(pid: number): Promise<number> {
  const ticks = (await run('getconf', ['CLK_TCK'])).stdout;
  let used = 0;
  for (const one of await family(pid)) {
    // The fields after the name of the program, which may have spaces: the 12th and 13th are user and system time.
    const fields = (await readFile(`/proc/${one}/stat`, 'latin1')).replace(/^.*\) /su, '').split(' ');
    used += Number(fields[11]) + Number(fields[12]);
  }
  return (used * 1000) / Number(ticks);
}

/** Confines a process and those that it has started. */
export async function confineFamily(pid: number, processors: string): Promise<void> {
  for (const one of await family(pid)) await confine(one, processors);
}
