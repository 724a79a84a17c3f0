import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';
import { checkImages } from '../../../tools/campaigns/src/crash-images/campaign.ts';
import { record } from '../../../tools/campaigns/src/crash-images/recording.ts';
import { NO_TRACER } from '../../../tools/campaigns/src/trace/tracer.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';
import { checkLines, INPUTS } from './support/image-lines.ts';

const PROGRAM = fileURLToPath(new URL('./support/image-process.ts', import.meta.url));
const IMAGES = sized({ short: 6, full: 40, torture: 10_000 });

test(
  'a cut of power leaves whole what a command told of: stores, kits, anchors, exports and backups',
  { timeout: 3_600_000 },
  async ({ skip }) => {
    if (NO_TRACER !== undefined) skip(NO_TRACER);
    using recording = await record({
      program: PROGRAM,
      args: (root) => [root],
      env: (root) => ({ HOME: root, XDG_STATE_HOME: join(root, 'state') }),
      prepare: async (root) => {
        for (const [name, text] of Object.entries(INPUTS)) await writeFile(join(root, name), text);
      },
    });
    await checkImages(recording, { images: IMAGES }, (said) => checkLines(recording.root, said.length));
  },
);
