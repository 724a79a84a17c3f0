import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createStore, generateKeyFile, keyFile } from 'securestore';
import { describe, expect, test } from 'vitest';
import { sandbox } from '../../../cli/test/support/cli.ts';
import { makeTree, treeOf } from '../../../cli/test/support/tree.ts';
import { runBulk } from './run-process.ts';
import { LONG, onlyLong, sized, TORTURE } from '../../../../tools/campaigns/src/size.ts';

const MIB = 2 ** 20;
const LIMIT_MS = TORTURE ? 3_600_000 : 240_000;

/** What is moved through the stores of one provider. In full: 100,000 names, 1 GiB, the documentation of the machine. */
export interface BulkOptions {
  /** A place that nothing was ever stored at. */
  readonly freshUrl: () => string;
  /** Why the tests can't run, where they can't. */
  readonly skip: string | undefined;
  /** Whether the provider is made for large objects. */
  readonly streams: boolean;
}

/** What a short run does with each. */
const SHORT: Readonly<Record<string, readonly string[]>> = {
  redis: ['names', 'folder'],
  postgres: ['folder'],
  mongodb: ['names'],
  s3: ['stream', 'folder'],
  azure: ['folder'],
  gcs: ['names'],
};

/** Where the SDKs find credentials. */
const CREDENTIALS = /^(?:AWS_|AZURE_|GOOGLE_|PG)/;

function credentials(): Record<string, string> {
  const found = Object.entries(process.env).filter(([name]) => CREDENTIALS.test(name));
  return Object.fromEntries(found.map(([name, value]) => [name, value ?? '']));
}

async function folder(path: string): Promise<string> {
  if (TORTURE) return '/usr/share/doc';
  await makeTree(path, LONG ? 200 : 20);
  await writeFile(`${path}/large`, randomBytes(9_000_000));
  return path;
}

function isRun(name: string, what: string): boolean {
  return LONG || (SHORT[name] ?? []).includes(what);
}

/** Declares the tests of much at once on a provider. */
export function describeBulk(name: string, { freshUrl, skip, streams }: BulkOptions): void {
  describe.skipIf(skip !== undefined)(`${name}: much at once${skip === undefined ? '' : ` (${skip})`}`, () => {
    const isNames = isRun(name, 'names');
    const isStream = isRun(name, 'stream');
    const isFolder = isRun(name, 'folder');
    test.runIf(isNames)(onlyLong('lists names in bounded memory', isNames), { timeout: LIMIT_MS }, async () => {
      await runBulk(freshUrl(), 'names', sized({ short: 200, full: 1100, torture: 100_000 }));
    });

    if (streams) {
      test.runIf(isStream)(
        onlyLong('streams an object in and out in bounded memory', isStream),
        { timeout: LIMIT_MS },
        async () => {
          await runBulk(freshUrl(), 'stream', sized({ short: 64, full: 256, torture: 1024 }) * MIB);
        },
      );
    }

    test.runIf(isFolder)(
      onlyLong('imports a folder, and exports it as it was', isFolder),
      { timeout: LIMIT_MS },
      async () => {
        const box = await sandbox('none');
        const url = freshUrl();
        const key = box.path('credentials', 'securestore-key');
        await mkdir(box.path('credentials'));
        await generateKeyFile(key);
        await (await createStore(url, { unlock: keyFile(key) })).close();
        const env = { ...credentials(), SECURESTORE_URL: url, CREDENTIALS_DIRECTORY: box.path('credentials') };
        const files = await folder(box.path('in'));
        for (const command of [
          ['import', files],
          ['export', 'out'],
        ]) {
          // There may be warnings, as of a server that keeps nothing.
          const { exitCode, stderr } = await box.run(command, { env });
          expect([exitCode, stderr]).toEqual([0, expect.not.stringMatching(/^(?:error|failed):/m)]);
        }
        expect(await treeOf(box.path('out'))).toEqual(await treeOf(files));
      },
    );
  });
}
