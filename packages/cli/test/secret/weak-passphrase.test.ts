import { userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { generatePassphrase } from '../../src/secret/new-passphrase.ts';
import { weaknessOf } from '../../src/secret/weak-passphrase.ts';

const weakness = (passphrase: string | Uint8Array): string | undefined =>
  weaknessOf(Buffer.from(passphrase), 'file:/srv/correct-horse.db/');

describe('a weak passphrase', () => {
  it.each([
    ['x', 'it has 1 character, fewer than 12'],
    ['elevenchars', 'it has 11 characters, fewer than 12'],
    // Eleven characters in 22 bytes.
    ['äöüßéàèùâêî', 'it has 11 characters, fewer than 12'],
    ['aaaaaaaaaaaaaaaa', 'it repeats one character'],
    ['🔐🔐🔐🔐🔐🔐🔐🔐🔐🔐🔐🔐', 'it repeats one character'],
    ['abcdefghijklmnop', 'its characters are a run'],
    ['9876543210987', 'its characters are a run'],
    ['1234567890123', 'its characters are a run'],
    ['Correct-Horse.db', 'it is the name of the store'],
    ['correct-horse', 'it is the name of the store'],
    [userInfo().username, 'it is your user name'],
  ])('%s', (passphrase, why) => {
    expect(weakness(passphrase)).toBe(why);
  });

  it.each(['twelve chars', 'abababababab', 'äöüßéàèùâêîô', 'correct-horsf', 'abcdefghijkm'])(
    'is not %s',
    (passphrase) => {
      expect(weakness(passphrase)).toBeUndefined();
    },
  );

  it('is none that was generated, of which no two are the same', () => {
    const all = Array.from({ length: 200 }, generatePassphrase);
    for (const one of all) {
      expect(weakness(one)).toBeUndefined();
      expect(String(Buffer.from(one))).toMatch(/^(?:[2-9a-hjkmnp-z]{4}-){6}[2-9a-hjkmnp-z]{4}$/);
    }
    expect(new Set(all.map(String)).size).toBe(all.length);
    // Every character can be in it: 31 of them, in 5600.
    expect(new Set(all.flatMap((one) => [...one])).size).toBe(32);
  });
});
