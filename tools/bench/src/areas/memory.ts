import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { numberFrom } from '../measure/child.ts';
import type { Area, Contender } from '../measure/model.ts';
import { rivalsInstalled } from '../rivals/load.ts';

/** The most memory that a process holds while a stream of 4 GiB goes through it to or from files. */
export const memory: Area = {
  title: 'Peak memory of a stream, file:',
  async *comparisons({ scale, scratch, absent }) {
    if (!rivalsInstalled()) absent({ name: 'AWS Encryption SDK', reason: 'not installed' });
    for (const gibibytes of [0.04, 0.4, 4]) {
      const bytes = Math.ceil(2 ** 30 * gibibytes * scale);
      const contender = (who: string, name: string, role: Contender['role'], what: string): Contender => ({
        name,
        role,
        sample: async () => {
          const folder = join(scratch, `${who}-${bytes}`);
          if (what === 'seal') {
            await rm(folder, { recursive: true, force: true });
            await mkdir(folder);
          }
          return numberFrom('peak-memory', [who, what, folder, String(bytes)]);
        },
      });
      for (const what of ['seal', 'open']) {
        yield {
          work: `${what} ${(bytes / 2 ** 20).toFixed(0)} MiB`,
          unit: 'MB',
          contenders: [
            contender('ours', 'securestore', 'ours', what),
            ...(rivalsInstalled() ? [contender('aws', 'AWS Encryption SDK', 'rival', what)] : []),
          ],
          targets: [{ bound: 'at most', factor: 150 }],
        };
      }
      for (const who of ['ours', 'aws']) await rm(join(scratch, `${who}-${bytes}`), { recursive: true, force: true });
    }
  },
};
