import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inFlight, rate } from '../measure/measure.ts';
import type { Area, Contender } from '../measure/model.ts';
import { createOurs } from '../measure/ours.ts';
import { durableWrite } from '../raw/files.ts';
import { prepare } from '../rivals/load.ts';
import { unstorageFiles } from '../rivals/unstorage.ts';

const BODY: Uint8Array = randomBytes(1024);
const WIDTH = 16;

/** Durable stores of new objects of 1 KiB in a folder. */
export const files: Area = {
  title: 'Objects of 1 KiB, file:',
  async *comparisons({ scratch, scale, absent }) {
    const bare = join(scratch, 'bare');
    await mkdir(bare);
    const ours = await createOurs(`file:${join(scratch, 'ours')}`);
    const rival = await prepare('unstorage', () => unstorageFiles(join(scratch, 'unstorage')), absent);
    let serial = 0;
    const contender = (
      name: string,
      role: Contender['role'],
      count: number,
      width: number,
      put: (name: string) => Promise<unknown>,
    ): Contender => ({
      name,
      role,
      sample: () => rate(count, () => inFlight(count, width, () => put(`object-${serial++}`))),
    });
    for (const times of [1, 10]) {
      const count = Math.max(WIDTH, Math.ceil(200 * times * scale));
      for (const width of [1, WIDTH]) {
        yield {
          work: width === 1 ? 'durable stores, one at a time' : `durable stores, ${width} in flight`,
          unit: 'per second',
          count,
          contenders: [
            contender('securestore', 'ours', count, width, (name) => ours.store(name, BODY)),
            ...(rival === undefined
              ? []
              : [contender(rival.name, 'rival', count, width, (name) => rival.put(name, BODY))]),
            // The targets hold both rows against the limit of one at a time.
            contender('write, fsync, rename, fsync, one at a time', 'raw', count, 1, (name) =>
              durableWrite(bare, name, BODY),
            ),
          ],
          targets: [{ bound: 'at least', factor: width === 1 ? 0.85 : 2, of: 'the raw limit' }],
        };
      }
    }
    await ours.close();
  },
};
