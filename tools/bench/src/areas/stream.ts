import { resident } from '../measure/child.ts';
import type { Area } from '../measure/model.ts';
import { CHUNK } from '../raw/chunks.ts';
import { availableSealers } from '../rivals/sealers.ts';

/** Sealing and opening a stream of 1 GiB in memory. */
export const stream: Area = {
  title: 'A stream of 1 GiB, memory:',
  async *comparisons({ scale, absent }) {
    const bytes = String(Math.max(CHUNK, Math.ceil((2 ** 30 * scale) / CHUNK) * CHUNK));
    const rivals = await availableSealers(absent);
    // The best rival is the AWS Encryption SDK, which stores nothing and makes no digest.
    for (const [work, factor] of [
      ['seal', 1],
      ['open', 1.2],
    ] as const) {
      const contenders = [
        resident('securestore', 'ours', 'sealed-stream', ['ours', work, bytes]),
        ...rivals.map(({ id, name }) => resident(name, 'rival', 'sealed-stream', [id, work, bytes])),
        resident('AES-256-GCM at 64 KiB on node:crypto', 'raw', 'sealed-stream', ['raw', work, bytes]),
      ];
      yield {
        work,
        unit: 'GB/s',
        contenders,
        targets: [
          { bound: 'at least', factor, of: 'the best rival' },
          { bound: 'at least', factor: 0.75, of: 'the raw limit' },
        ],
      };
      for (const { end } of contenders) end();
    }
  },
};
