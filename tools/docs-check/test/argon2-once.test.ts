import { execFile } from 'node:child_process';
import { argon2Sync } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { ARGON2_ONCE } from '../src/run/derive-once.ts';

const COSTS = { memory: 64, passes: 1, parallelism: 1, tagLength: 32 };

/** Imports as the packages do. */
const PROGRAM = `
import * as nodeCrypto from 'node:crypto';
const { message, nonce, ...costs } = JSON.parse(process.argv[1]);
const parameters = { message: Buffer.from(message), nonce: Buffer.from(nonce), ...costs };
nodeCrypto.argon2('argon2id', parameters, (_error, derived) => console.log(derived.toString('hex')));
`;

it('processes derive a key once, and another for whatever else they are given', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-once-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const inProcess = async (parameters: object): Promise<string> => {
    const args = ['--require', ARGON2_ONCE, '--input-type=module', '-e', PROGRAM, JSON.stringify(parameters)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ARGON2_ONCE: folder } });
    return stdout.trim();
  };
  const first = { message: 'passphrase', nonce: 'n'.repeat(16), ...COSTS };
  const others = [
    { ...first, message: 'Passphrase' },
    { ...first, nonce: 'm'.repeat(16) },
    { ...first, memory: 128 },
    { ...first, passes: 2 },
  ];
  for (const parameters of [first, first, ...others, first]) {
    expect(await inProcess(parameters)).toBe(argon2Sync('argon2id', parameters).toString('hex'));
  }
  expect(await readdir(folder)).toHaveLength(1 + others.length);
  await expect(inProcess({ ...first, passes: 0 })).rejects.toThrow('ERR_OUT_OF_RANGE');
  expect(await readdir(folder)).toHaveLength(1 + others.length);
});
