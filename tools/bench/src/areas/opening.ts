import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { numberFrom } from '../measure/child.ts';
import type { Area } from '../measure/model.ts';
import { loadOurs } from '../measure/ours.ts';

/** Importing the library and opening a store in a fresh process, with a raw key: no passphrase is stretched. */
export const opening: Area = {
  title: 'Cold import and open, file:',
  async *comparisons({ scratch }) {
    const { createStore, rawKey } = await loadOurs();
    const folder = join(scratch, 'store');
    const key = randomBytes(32);
    await (await createStore(`file:${folder}`, { unlock: rawKey(key) })).close();
    yield {
      work: 'import and open',
      unit: 'ms',
      contenders: [
        {
          name: 'securestore',
          role: 'ours',
          sample: () => numberFrom('cold-open', [folder, key.toString('hex')]),
        },
        { name: 'Node’s own modules for it', role: 'raw', sample: () => numberFrom('cold-builtins', []) },
      ],
      targets: [{ bound: 'at most', factor: 30 }],
    };
  },
};
