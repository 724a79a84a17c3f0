import { describe, expect, it } from 'vitest';
import { bitsOf, randomText } from '../../src/object/random-text.ts';
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

describe('generate', () => {
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
