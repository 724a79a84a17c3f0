import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Sodium } from '../../src/primitives/sodium.ts';
import { nativeSodium } from '../../src/primitives/sodium-native.ts';
import { wasmSodium } from '../../src/primitives/sodium-wasm.ts';
import { slotKeyPair } from '../../src/unlock/slot-key-pair.ts';
import { cacheFolder, installFromNpm } from '../../../../tools/services/src/service/cache.ts';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';
import { bytesFrom, flipped } from '../support/fixtures.ts';

const root: string = fileURLToPath(new URL('../../../..', import.meta.url));

/** Installed beside the servers of the tests: no package here needs it. */
const VERSION = '5.1.0';
const FOLDER: string = join(cacheFolder(`sodium-native-${VERSION}`), 'node_modules');

let both: readonly Sodium[] = [];
let reason = '';

beforeAll(async () => {
  await installFromNpm('sodium-native', VERSION).catch((error: unknown) => {
    reason = `sodium-native cannot be installed: ${String(error)}`;
  });
  const native = reason === '' ? nativeSodium(createRequire(join(FOLDER, 'x')), join(FOLDER, 'x')) : undefined;
  if (reason === '' && native === undefined) throw new Error('sodium-native is installed and does not load');
  both = native === undefined ? [] : [native, await wasmSodium()];
}, 120_000);

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.nat(maxLength).map((length) => bytesFrom(`of ${length}`, length));
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const nonce = fc.uint8Array({ minLength: 24, maxLength: 24 });

/** What each of both gives, which has to be the same. */
function same<Result>(of: (sodium: Sodium) => Result): Result {
  const [native, wasm] = both.map(of) as [Result, Result];
  expect(native).toEqual(wasm);
  return native;
}

function sealedBy(sodium: Sodium, ...[by, once, plaintext]: readonly [Uint8Array, Uint8Array, Uint8Array]): Buffer {
  const out = Buffer.alloc(plaintext.length + 16 + 2, 7);
  sodium.seal(by, once, plaintext, out, 1);
  return out;
}

describe('sodium-native and libsodium-wrappers', () => {
  it('is not used if it is not installed', () => {
    expect(nativeSodium(createRequire('/nowhere/node_modules/x'), '/nowhere/node_modules/x')).toBeUndefined();
  });

  it('is taken from the installation, and not from a folder above, which another user may write', () => {
    const folder = mkdtempSync(join(tmpdir(), 'securestore-sodium-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const own = (app: string): string => join(folder, app, 'node_modules/libsodium-wrappers/index.js');
    const plant = (at: string): void => {
      const place = join(folder, at, 'node_modules/sodium-native');
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, 'index.js'), `globalThis.planted = ${JSON.stringify(at)};`);
    };
    onTestFinished(() => void Reflect.deleteProperty(globalThis, 'planted'));
    plant('.');
    plant('with');
    expect(nativeSodium(createRequire(own('without')), own('without'))).toBeUndefined();
    expect(globalThis).not.toHaveProperty('planted');
    expect(nativeSodium(createRequire(own('with')), own('with'))).toBeDefined();
    expect(globalThis).toHaveProperty('planted', 'with');
  });

  it('encrypt to the same bytes, and decrypt them', (context) => {
    if (reason !== '') context.skip(reason);
    fc.assert(
      fc.property(key, nonce, bytes(5000), (by, once, plaintext) => {
        const out = same((sodium) => sealedBy(sodium, by, once, plaintext));
        const sealed = out.subarray(1, -1);
        expect([out[0], out.at(-1)]).toEqual([7, 7]);
        expect(same((sodium) => sodium.open(by, once, sealed))).toEqual(Buffer.from(plaintext));
      }),
    );
  });

  it('refuse every flipped bit, another key and what is too short', (context) => {
    if (reason !== '') context.skip(reason);
    const [by, once] = [bytesFrom('key', 32), bytesFrom('nonce', 24)];
    const sealed = same((sodium) => sealedBy(sodium, by, once, bytesFrom('plaintext', 40))).subarray(1, -1);
    for (let at = 0; at < sealed.length; at += 1) {
      expect(same((sodium) => sodium.open(by, once, flipped(sealed, at)))).toBeUndefined();
    }
    expect(same((sodium) => sodium.open(bytesFrom('other', 32), once, sealed))).toBeUndefined();
    for (const length of [0, 1, 15, 16]) {
      expect(same((sodium) => sodium.open(by, once, sealed.subarray(0, length)))).toBeUndefined();
    }
  });

  it('hash to the same bytes', (context) => {
    if (reason !== '') context.skip(reason);
    fc.assert(
      fc.property(fc.constantFrom(32, 64), key, bytes(5000), (length, by, input) => {
        expect(same((sodium) => sodium.hash(length, by, input))).toHaveLength(length);
      }),
    );
  });

  it('open the boxes of each other, and no damaged ones', (context) => {
    if (reason !== '') context.skip(reason);
    const { publicKey, privateKey } = slotKeyPair(bytesFrom('seed', 32));
    for (const [from, to] of [both, both.toReversed()] as readonly (readonly Sodium[])[]) {
      const sealed = Buffer.from(from?.sealBox(bytesFrom('secret', 41), publicKey) ?? []);
      expect(Buffer.from(to?.openBox(sealed, publicKey, privateKey) ?? [])).toEqual(bytesFrom('secret', 41));
      for (const damaged of [flipped(sealed, 3), flipped(sealed, 60), sealed.subarray(0, 47), sealed.subarray(0, 60)]) {
        expect(to?.openBox(damaged, publicKey, privateKey)).toBeUndefined();
      }
    }
  });

  it('encrypt nothing to a key of low order', (context) => {
    if (reason !== '') context.skip(reason);
    const one = Buffer.alloc(32);
    one[0] = 1;
    for (const sodium of both) {
      for (const lowOrder of [Buffer.alloc(32), one])
        expect(() => sodium.sealBox(new Uint8Array(1), lowOrder)).toThrow();
    }
  });

  it.runIf(LONG)(onlyLong('pass the same tests and vectors'), { timeout: 3_600_000 }, (context) => {
    if (reason !== '') context.skip(reason);
    const env = { ...process.env, NODE_PATH: FOLDER };
    const program = `
      import { createRequire } from 'node:module';
      import { nativeSodium } from './packages/crypto/src/primitives/sodium-native.ts';
      const require = createRequire(import.meta.url);
      process.exitCode = nativeSodium(require, require.resolve('libsodium-wrappers')) === undefined ? 1 : 0;`;
    const found = spawnSync(
      process.execPath,
      ['--conditions=@securestore/source', '--input-type=module', '-e', program],
      {
        cwd: root,
        env,
      },
    );
    expect(found.status, String(found.stderr)).toBe(0);
    const suites = [
      'packages/crypto',
      'tools/vectors',
      'packages/objects/test/memory',
      'packages/securestore/test/golden',
    ];
    const run = spawnSync(
      process.execPath,
      [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...suites, '--exclude', '**/sodium.test.ts'],
      {
        cwd: root,
        env: { ...env, SECURESTORE_TEST_SIZE: 'short' },
        encoding: 'utf8',
      },
    );
    expect(run.status, run.stdout.slice(-4000)).toBe(0);
  });
});
