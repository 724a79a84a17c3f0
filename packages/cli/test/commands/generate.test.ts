import { describe, expect, it } from 'vitest';
import { bitsOf, randomText } from '../../src/object/random-text.ts';
import { bitsOfWords, randomWords } from '../../src/object/random-words.ts';
import { WORDS } from '../../src/object/word-list.ts';
import { jsonLines, sandbox } from '../support/cli.ts';

/** Gives these bytes, one call after the other. */
function scripted(...calls: readonly (readonly number[])[]): (size: number) => Buffer {
  let next = 0;
  return () => Buffer.from(calls[next++] ?? []);
}

describe('random text', () => {
  it('rejects the bytes that would favour some characters', () => {
    // 62 characters: four of each from 248 bytes, and the last eight bytes are none.
    const accepted = Array.from({ length: 248 }, (_, byte) => byte);
    const text = randomText(248, 'alnum', scripted(accepted)).toString();
    const counts = new Map<string, number>();
    for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
    expect([...counts.values()]).toEqual(Array.from({ length: 62 }, () => 4));
    const rejected = [248, 249, 250, 251, 252, 253, 254, 255];
    expect(randomText(2, 'alnum', scripted(rejected, [0, 255], [61])).toString()).toBe('A9');
  });

  it.each([
    ['alnum', 62],
    ['hex', 16],
    ['base64url', 64],
    ['symbols', 88],
  ] as const)('of %s has %i characters, all of which come', (charset, size) => {
    expect(2 ** bitsOf(1, charset)).toBeCloseTo(size, 6);
    expect(new Set(randomText(20_000, charset).toString()).size).toBe(size);
    expect(randomText(1000, charset).toString()).toMatch(/^[!-~]+$/);
    expect(randomText(1000, charset).toString()).not.toMatch(/["'`\\!$]/);
  });
});

describe('random words', () => {
  it('are of a list of 2048, in which none can be taken for another', () => {
    expect(WORDS.length).toBe(2048);
    expect(new Set(WORDS.map((word) => word.slice(0, 4))).size).toBe(2048);
    for (const word of WORDS) expect(word).toMatch(/^[a-z]{3,8}$/);
    expect(bitsOfWords(8)).toBe(88);
  });

  it('come equally often from all random bytes', () => {
    const all = Buffer.alloc(2 ** 16 * 2);
    for (let at = 0; at < 2 ** 16; at++) all.writeUInt16BE(at, at * 2);
    const made = randomWords(2 ** 16, () => all).toString();
    const counts = new Map<string, number>();
    for (const word of made.split('-')) counts.set(word, (counts.get(word) ?? 0) + 1);
    expect([...counts.keys()].toSorted()).toEqual([...WORDS].toSorted());
    expect(new Set(counts.values())).toEqual(new Set([32]));
    expect(all.every((byte) => byte === 0)).toBe(true);
  });
});

describe('generate', () => {
  it('makes a passphrase of words, as many as are wanted', async () => {
    const box = await sandbox();
    const shown = await box.run(['generate', 'k', '--words', '--show']);
    expect(shown.stdout).toMatch(/^[a-z]{3,8}(?:-[a-z]{3,8}){7}\n$/);
    expect(shown.stderr).toMatch(/^stored k, 8 words \(88 bits\), version \S+\n$/);
    expect((await box.run(['get', 'k'])).stdout).toBe(shown.stdout.trim());
    const short = await box.run(['generate', 'j', '--words', '--length', '4']);
    expect(short.stdout).toMatch(/^stored j, 4 words \(44 bits\)/);
    expect(short.stderr).toContain('the secret has 44 bits; at least 80 resist guessing');
    expect((await box.run(['get', 'j'])).stdout).toMatch(/^[a-z]{3,8}(?:-[a-z]{3,8}){3}$/);
    for (const [wrong, message] of [
      [['--length', '65'], '--length must be from 1 to 64, got 65'],
      [['--length', '0'], '--length must be from 1 to 64, got 0'],
      [['--charset', 'hex'], 'cannot be used with'],
    ] as const) {
      const refused = await box.run(['generate', 'l', '--words', ...wrong]);
      expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
      expect(refused.stderr).toContain(message);
    }
  });

  it('stores a secret that nothing shows', async () => {
    const box = await sandbox();
    const made = await box.run(['generate', 'db/password']);
    expect(made).toMatchObject({ exitCode: 0, stderr: '' });
    expect(made.stdout).toMatch(/^stored db\/password, 32 characters \(190 bits\), version \S+\n$/);
    const secret = (await box.run(['get', 'db/password'])).stdout;
    expect(secret).toMatch(/^[A-Za-z0-9]{32}$/);
    const json = await box.run(['generate', 'other', '--json']);
    expect(jsonLines(json.stdout)).toMatchObject([{ key: 'other', size: 32 }]);
    expect(json.stdout).not.toContain((await box.run(['get', 'other'])).stdout);
  });

  it('shows it on request, alone on stdout', async () => {
    const box = await sandbox();
    const shown = await box.run(['generate', 'k', '--show', '--length', '64', '--charset', 'hex']);
    expect(shown.stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect(shown.stderr).toMatch(/^stored k, 64 characters \(256 bits\)/);
    expect((await box.run(['get', 'k'])).stdout).toBe(shown.stdout.trim());
    const json = jsonLines((await box.run(['generate', 'j', '--show', '--json'])).stdout);
    expect(json).toMatchObject([{ key: 'j', data: (await box.run(['get', 'j'])).stdout }]);
  });

  it('replaces nothing unless it is told to, and keeps metadata and expiry then', async () => {
    const box = await sandbox();
    await box.seed({ k: 'old' }, { metadata: { owner: 'ops' }, expires: new Date('2999-01-01') });
    const refused = await box.run(['generate', 'k']);
    expect(refused).toMatchObject({ exitCode: 6, stdout: '' });
    expect(refused.stderr).toContain('hint: to replace it, add --overwrite; its history keeps the present version\n');
    expect((await box.run(['get', 'k'])).stdout).toBe('old');
    expect((await box.run(['generate', 'k', '--overwrite'])).exitCode).toBe(0);
    expect(jsonLines((await box.run(['get', 'k', '--json'])).stdout)).toMatchObject([
      { size: 32, metadata: { owner: 'ops' }, expires: '2999-01-01T00:00:00.000Z' },
    ]);
    expect((await box.run(['generate', 'new', '--overwrite'])).exitCode).toBe(0);
  });

  it('warns of a secret that can be guessed, and refuses lengths that are none', async () => {
    const box = await sandbox();
    const weak = await box.run(['generate', 'k', '--length', '8', '--charset', 'hex']);
    expect(weak.stderr).toBe('warning: the secret has 32 bits; at least 80 resist guessing\n');
    for (const length of ['0', '1025', '-1', 'x', '']) {
      const { exitCode, stderr } = await box.run(['generate', 'l', `--length=${length}`]);
      expect(exitCode).toBe(2);
      expect(stderr).toContain('--length');
    }
    expect((await box.run(['generate', 'l', '--charset', 'words'])).exitCode).toBe(2);
    expect((await box.run(['get', 'l'])).exitCode).toBe(3);
  });
});
