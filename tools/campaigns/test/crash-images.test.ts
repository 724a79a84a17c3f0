import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { checkImages } from '../src/crash-images/campaign.ts';
import { record } from '../src/crash-images/recording.ts';
import { sized } from '../src/size.ts';
import { NO_TRACER } from '../src/trace/tracer.ts';
import { bodyOf, FAULTS, type Kind, SOUND } from './support/bodies.ts';

const PROGRAM = fileURLToPath(new URL('./support/writer-process.ts', import.meta.url));

function bodyIn(root: string): Uint8Array | undefined {
  if (!existsSync(`${root}/folder/db`)) {
    return existsSync(`${root}/folder/file`) ? readFileSync(`${root}/folder/file`) : undefined;
  }
  const db = new DatabaseSync(`${root}/folder/db`);
  try {
    if (db.prepare('SELECT name FROM sqlite_schema').get() === undefined) return undefined;
    const body = db.prepare('SELECT body FROM file').get()?.['body'];
    return body instanceof Uint8Array ? body : undefined;
  } finally {
    db.close();
  }
}

/** The file is what was acknowledged last, or what came next. */
function checkBody(root: string, said: readonly string[]): void {
  const last = Number(said.at(-1) ?? -1);
  const body = bodyIn(root);
  if (body === undefined) assert.equal(last, -1, 'it was lost');
  else
    assert.ok(
      [last, last + 1].some((version) => bodyOf(version).equals(body)),
      'it is torn, or an older one',
    );
}

async function campaign(kind: Kind, images: number): Promise<void> {
  using recording = await record({ program: PROGRAM, args: (root) => [root, kind] });
  await checkImages(recording, { images }, async (said) => checkBody(recording.root, said));
}

describe('a campaign of crash images', () => {
  test.for(SOUND)('finds nothing if everything is flushed before it is acknowledged: %s', async (kind, { skip }) => {
    if (NO_TRACER !== undefined) skip(NO_TRACER);
    await campaign(kind, sized({ short: 50, full: 500, torture: 20_000 }));
  });

  test.for(FAULTS)('finds a fault: %s', async (fault, { skip }) => {
    if (NO_TRACER !== undefined) skip(NO_TRACER);
    await expect(campaign(fault, 1000)).rejects.toThrow(/^image \d+ of SECURESTORE_TESTKIT_SEED=\d+, after step/);
  });
});
