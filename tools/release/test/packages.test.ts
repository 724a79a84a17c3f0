import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { copyOf, git } from '../src/checkout.ts';
import { release } from '../src/release.ts';
import { manifestFindings } from '../src/manifests.ts';
import { publishablePackages } from '../../pack-check/src/pack.ts';
import { sdksOn } from '../../pack-check/src/sdks.ts';
import { REAL } from '../src/surroundings.ts';
import { TORTURE } from '../../campaigns/src/size.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));
const reason = TORTURE
  ? ''
  : ' (skipped: it installs every SDK twice, which takes minutes; npm run torture -- tools/release)';

describe('the packages of this repository', () => {
  it('have everything that a release asks of manifests', async () => {
    const packages = await publishablePackages(root);
    expect(packages.size).toBeGreaterThan(15);
    expect(await manifestFindings(root, packages)).toEqual([]);
  });

  it.skipIf(!TORTURE)(`would be released, all of them, from what is committed${reason}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'securestore-committed-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const committed = join(folder, 'checkout');
    await copyOf(root, committed);
    await git(committed, 'switch', '--quiet', '--force-create', 'main');
    const lines: string[] = [];
    const code = await release(committed, { dryRun: true }, { ...REAL, log: (line) => lines.push(line) });
    expect(lines.filter((line) => line.startsWith('✗'))).toEqual([]);
    expect(lines.join('\n')).toMatch(/\nsecurestore \d+\.\d+\.\d+, public, with provenance\n/);
    expect(lines.find((line) => line.startsWith('securestore brings along'))).toContain('@securestore/objects');
    expect(code).toBe(0);
  });
});

describe('sdksOn', () => {
  it('knows the packages of providers by their folders, wherever these lie', () => {
    const paths = ['node_modules/@aws-sdk/client-s3', 'file:///a/.pnpm/pg@8.0.0/node_modules/pg/lib/index.js'];
    expect(sdksOn([...paths, 'node_modules/mongodb-connection-string-url', 'node_modules/a/pg'])).toEqual([
      '@aws-sdk',
      'pg',
    ]);
  });
});
