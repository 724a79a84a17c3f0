import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

/** Runs a program that starts a job which fails, and gives what it printed and how many rejections nobody handled. */
async function unhandled(use: string): Promise<string> {
  const program = `
    import { Jobs, systemClock } from '@securestore/jobs';
    let reports = 0;
    process.on('unhandledRejection', ({ message }) => console.log(++reports, message));
    const storage = {
      read: async () => undefined,
      write: async () => ({ etag: 'e' }),
      remove: async () => undefined,
      async *list() {},
    };
    const jobs = new Jobs({ storage, clock: systemClock(), random: (length) => new Uint8Array(length) });
    const kind = { name: 'fails', parse: () => null, run: async () => { throw new Error('it failed'); } };
    const job = jobs.start(kind, null);
    ${use}
  `;
  const args = ['--conditions=@securestore/source', '--no-warnings', '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname });
  return stdout;
}

it('a failed job that nobody looks at is one unhandled rejection', async () => {
  expect(await unhandled('')).toBe('1 it failed\n');
});

it('watching its progress does not handle it', async () => {
  expect(await unhandled('for await (const { phase } of job.progress);')).toBe('1 it failed\n');
});

it.each([
  ['await', "try { await job; } catch { console.log('seen'); }"],
  ['catch', "job.catch(() => console.log('seen'));"],
  ['then', "job.then(undefined, () => console.log('seen'));"],
  ['finally and catch', "job.finally(() => undefined).catch(() => console.log('seen'));"],
])('it is none with %s', async (_how, use) => {
  expect(await unhandled(use)).toBe('seen\n');
});
