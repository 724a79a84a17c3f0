import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sandbox } from './support/cli.ts';

/** The suites of all records below a folder: they begin with their magic, the format version and the suite. */
async function suitesOf(folder: string): Promise<number[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const bodies = await Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name))));
  return bodies.filter((body) => body.subarray(0, 4).equals(Buffer.from('SSRC'))).map((body) => body.readUInt8(5));
}

describe('init --suite', () => {
  it.each(['1', '2'])('%s makes a store whose objects are sealed so', async (suite) => {
    const box = await sandbox('none');
    const env = { SECURESTORE_URL: 'file:./vault', SECURESTORE_PASSPHRASE: 'correct horse battery staple' };
    expect(await box.run(['init', '--suite', suite], { env })).toMatchObject({ exitCode: 0 });
    expect(await box.run(['put', 'a'], { env, input: 'text' })).toMatchObject({ exitCode: 0 });
    expect(await box.run(['get', 'a'], { env })).toMatchObject({ exitCode: 0, stdout: 'text' });
    expect(await suitesOf(box.path('vault'))).toEqual([Number(suite)]);
  });

  it('knows no other suite', async () => {
    const box = await sandbox('none');
    const { exitCode, stderr } = await box.run(['init', 'file:./vault', '--suite', '3', '--key-file', 'key']);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--suite') as string });
  });
});
