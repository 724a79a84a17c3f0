import { spawnSync } from 'node:child_process';
import { argon2Sync } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hasPython } from './python.ts';
import { LONG, onlyLong, TORTURE } from '../../campaigns/src/size.ts';

const program = fileURLToPath(new URL('../vectors.py', import.meta.url));
const published = fileURLToPath(new URL('../../../packages/core-format/vectors', import.meta.url));

function runVectors(folder: string, ...derived: string[]): { status: number | null; stdout: string } {
  return spawnSync('python3', ['-B', program, folder, ...derived], { encoding: 'utf8', maxBuffer: 2 ** 26 });
}

/** The costs and the salt of a passphrase slot, as a vector tells them. */
interface Argon2Told {
  readonly memory: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: string;
}

/** A vector of a passphrase slot. */
interface SlotVector {
  readonly unlock?: { readonly text: string };
  readonly argon2?: Argon2Told;
}

/** What Node derives for the published vectors: each passphrase with each salt once. */
function derivedByNode(): (Argon2Told & { readonly text: string; readonly material: string })[] {
  const { vectors } = JSON.parse(readFileSync(join(published, 'slots.json'), 'utf8')) as { vectors: SlotVector[] };
  const calls = vectors.flatMap(({ unlock, argon2 }) =>
    unlock === undefined || argon2 === undefined ? [] : [{ text: unlock.text, argon2 }],
  );
  const distinct = new Map(calls.map(({ text, argon2 }) => [`${argon2.salt} ${text}`, { text, argon2 }]));
  return [...distinct.values()].map(({ text, argon2: { memory, passes, lanes, salt } }) => {
    const nonce = Buffer.from(salt, 'hex');
    const costs = { memory, passes, parallelism: lanes, tagLength: 32 };
    const material = argon2Sync('argon2id', { message: text, nonce, ...costs }).toString('hex');
    return { text, memory, passes, lanes, salt, material };
  });
}

/** The name of a test of which the long form does all. */
const shortForm = (name: string): string => (LONG ? `${name} (skipped: another test has all of them)` : name);

describe.skipIf(!hasPython)('the reference reader', () => {
  it.runIf(LONG)(onlyLong('gives what every published vector expects'), { timeout: 1_200_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'securestore-derived-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const derived = join(folder, 'derived.json');
    // Argon2id in Python takes ten seconds: it derives one key, in the longest form all of them, and Node the others.
    const byNode = derivedByNode().slice(1);
    expect(byNode).toHaveLength(3);
    writeFileSync(derived, JSON.stringify(TORTURE ? [] : byNode));
    const { status, stdout } = runVectors(published, derived);
    expect(stdout).toMatch(/^\d{3,} vectors, 0 failed\n$/);
    expect(status).toBe(0);
  });

  it.skipIf(LONG)(shortForm('gives what every third published vector expects that needs no Argon2id'), () => {
    const folder = mkdtempSync(join(tmpdir(), 'securestore-vectors-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    cpSync(published, folder, { recursive: true, filter: (path) => !path.endsWith('slots.json') });
    for (const file of readdirSync(folder).filter((name) => !['bases.json', 'README.md'].includes(name))) {
      const { vectors, ...rest } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { vectors: unknown[] };
      const some = vectors.filter((_, at) => at % 3 === 0);
      writeFileSync(join(folder, file), JSON.stringify({ ...rest, vectors: some }));
    }
    const { status, stdout } = runVectors(folder);
    expect(stdout).toMatch(/^\d{3,} vectors, 0 failed\n$/);
    expect(status).toBe(0);
  });

  it('has the Argon2id of RFC 9106', () => {
    const call = "argon2id(b'\\1' * 32, b'\\2' * 16, 32, 3, 4, 32, b'\\3' * 8, b'\\4' * 12).hex()";
    const { stdout } = spawnSync('python3', ['-B', '-c', `from argon2 import argon2id; print(${call})`], {
      cwd: dirname(program),
      encoding: 'utf8',
    });
    expect(stdout).toBe('0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659\n');
  });

  it('tells vectors that give something else than they expect', () => {
    const folder = mkdtempSync(join(tmpdir(), 'securestore-vectors-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    cpSync(join(published, 'bases.json'), join(folder, 'bases.json'));
    const history = readFileSync(join(published, 'history.json'), 'utf8').replaceAll('"NOT_FOUND"', '"ok"');
    writeFileSync(join(folder, 'history.json'), history);
    const { status, stdout } = runVectors(folder);
    expect(stdout).toMatch(/ 6 failed\n$/);
    expect(status).toBe(1);
  });
});
