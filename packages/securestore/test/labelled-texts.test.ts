import { SecureStoreError } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecoveryKit } from '../src/index.ts';
import {
  formatInvitation,
  formatRecoveryKit,
  generateRecoveryCode,
  generateShares,
  parseInvitation,
  readRecoveryKit,
} from '../src/index.ts';

const FINGERPRINT = 'a'.repeat(52);

const fingerprints = fc.stringMatching(/^[0-9a-v]{52}$/);
/** What stands in a line: white space around it is not kept. */
const values = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/\p{Cc}|\p{Z}/gu, ''));

/** Fails unless `read` refuses with a code that says so. */
function refused(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (SecureStoreError.is(error, 'INVALID_ARGUMENT') || SecureStoreError.is(error, 'UNSUPPORTED')) return;
    throw error;
  }
  throw new Error('it was read');
}

describe('an invitation', () => {
  it('says what was put into it, whatever that is', () => {
    const invitations = fc.record(
      { fingerprint: fingerprints, storeUrl: values, recipient: values, slot: values },
      { requiredKeys: ['fingerprint'] },
    );
    fc.assert(
      fc.property(invitations, (invitation) => {
        expect(parseInvitation(formatInvitation(invitation))).toEqual(invitation);
      }),
    );
  });

  it('is read with line ends of Windows, more comments, and spaces around', () => {
    const text = formatInvitation({ fingerprint: FINGERPRINT, storeUrl: 'file:/srv/a b' });
    const changed = `${text.replaceAll('\n', '\r\n')}\r\n  # thanks \r\n`;
    expect(parseInvitation(Buffer.from(changed))).toEqual({ fingerprint: FINGERPRINT, storeUrl: 'file:/srv/a b' });
  });

  it.each([
    ['an empty line', '\n'],
    ['a byte order mark', '\ufeff'],
    ['both, and spaces', '\ufeff \r\n\t\r\n  '],
  ])('is read with %s before it, and lines are counted from there', (_, before) => {
    const text = `${before}${formatInvitation({ fingerprint: FINGERPRINT })}`;
    expect(parseInvitation(text)).toEqual({ fingerprint: FINGERPRINT });
    const line = text.split('\n').length;
    expect(() => parseInvitation(`${text}hello`)).toThrow(`line ${line} is none of`);
  });

  it('can not be made to say more than one thing, or with more lines than it has', () => {
    for (const storeUrl of ['a\nfingerprint: x', 'a\rb', 'a\u0000']) {
      refused(() => formatInvitation({ fingerprint: FINGERPRINT, storeUrl }));
    }
    const text = formatInvitation({ fingerprint: FINGERPRINT });
    refused(() => parseInvitation(`${text}fingerprint: ${'b'.repeat(52)}\n`));
    refused(() => formatInvitation({ fingerprint: 'a' }));
  });

  it.each([
    ['nothing', ''],
    ['something else', `hello\nfingerprint: ${FINGERPRINT}`],
    ['no fingerprint', 'securestore invitation 1\nstore: file:/srv/vault'],
    ['what it does not know', `securestore invitation 1\nfingerprint: ${FINGERPRINT}\nexec: rm`],
    ['prose', `securestore invitation 1\nfingerprint: ${FINGERPRINT}\nhello`],
    ['control characters', `securestore invitation 1\nfingerprint: ${FINGERPRINT}\nstore: file:/srv/\u001b[2Jvault`],
    ['a tab within a value', `securestore invitation 1\nfingerprint: ${FINGERPRINT}\nslot: a\tb`],
    ['another version', `securestore invitation 2\nfingerprint: ${FINGERPRINT}`],
  ])('with %s is refused', (_, text) => {
    refused(() => parseInvitation(text));
  });

  it('of a later version says that a newer release is needed', () => {
    expect(() => parseInvitation('securestore invitation 12\n')).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', advice: [{ id: 'use-newer-release' }] }),
    );
  });
});

async function kits(): Promise<RecoveryKit[]> {
  const common = { fingerprint: FINGERPRINT, storeUrl: 'file:/srv/vault', made: new Date('2026-11-25T10:00:00Z') };
  const scheme = { threshold: 2, count: 3 };
  const shares = await generateShares(scheme);
  const ofShares = shares.map((secret, index) => ({
    ...common,
    kind: 'share' as const,
    unlockSecret: secret,
    share: { ...scheme, number: index + 1 },
  }));
  return [{ ...common, kind: 'recovery code', unlockSecret: generateRecoveryCode() }, ...ofShares];
}

describe('a recovery kit', () => {
  it('gives back its secret and the fingerprint of its store, and tells a person what to do', async () => {
    for (const kit of await kits()) {
      const text = formatRecoveryKit(kit);
      const read = readRecoveryKit(text);
      const { kind, fingerprint, storeUrl } = kit;
      expect(read).toEqual({ kind, fingerprint, storeUrl, unlockSecret: Buffer.from(kit.unlockSecret) });
      // A copy, which is not wiped with the text.
      text.fill(0);
      expect(read?.unlockSecret).toEqual(Buffer.from(kit.unlockSecret));
    }
    const [code, share] = (await kits()).map((kit) => formatRecoveryKit(kit).toString());
    expect(code).toMatch(/^made: 2026-11-25$/m);
    expect(code).toContain('--recovery-code-file');
    expect(share).toMatch(/^share number: 1 of 3\nshares needed: 2$/m);
    expect(share).toContain('--share-file');
    for (const text of [code, share]) for (const line of text?.split('\n') ?? []) expect(line.length).toBeLessThan(130);
  });

  it('tells a person where the backups are, and is read as without them', async () => {
    for (const kit of await kits()) {
      const read = readRecoveryKit(formatRecoveryKit(kit));
      const destinations = ['s3://***@backups/vault', 'file:/mnt/usb'];
      const text = formatRecoveryKit({ ...kit, destinations });
      for (const url of destinations) expect(text.toString()).toContain(`\n#   backup: ${url}\n`);
      expect(readRecoveryKit(text)).toEqual(read);
      const without = formatRecoveryKit({ ...kit, destinations: [] });
      expect(without.toString()).toContain('# The store had no backup when this was made.');
      expect(readRecoveryKit(without)).toEqual(read);
    }
  });

  it('is read as an editor or whoever typed it in left it', async () => {
    for (const kit of await kits()) {
      const text = Buffer.concat([Buffer.from('\ufeff\r\n '), formatRecoveryKit(kit)]);
      expect(readRecoveryKit(text)?.unlockSecret).toEqual(Buffer.from(kit.unlockSecret));
    }
  });

  it('is refused where something is missing or is of another type', async () => {
    const [code, share] = await kits();
    const wrong: unknown[] = [undefined, null, 'kit', { ...code, kind: 'code' }, { ...code, unlockSecret: 'text' }];
    wrong.push({ ...code, made: undefined }, { ...code, made: new Date(Number.NaN) }, { ...code, made: '2026-11-25' });
    wrong.push({ ...code, fingerprint: undefined }, { ...code, storeUrl: 1 }, { ...share, share: null });
    wrong.push({ ...share, share: { number: 1, count: 3 } });
    wrong.push({ ...code, destinations: 'file:/x' }, { ...code, destinations: ['file:/x\nrecovery code: y'] });
    wrong.push({ ...code, destinations: [1] });
    for (const kit of wrong) refused(() => formatRecoveryKit(kit as never));
    for (const text of [undefined, 'text', 1]) refused(() => readRecoveryKit(text as never));
    for (const invitation of [undefined, null, 'x', { fingerprint: 1 }, {}]) {
      refused(() => formatInvitation(invitation as never));
    }
  });

  it('is told from a code by itself', async () => {
    for (const text of [generateRecoveryCode(), Buffer.from(''), Buffer.from('securestore recovery')]) {
      expect(readRecoveryKit(text)).toBeUndefined();
    }
  });

  it('that was damaged is refused, or is the same, and nothing of it shows', async () => {
    const [kit] = await kits();
    if (kit === undefined) throw new Error('no kit');
    const text = formatRecoveryKit(kit);
    const shown = Buffer.from(kit.unlockSecret).toString('latin1').slice(6, 20);
    const changes = fc.tuple(fc.nat({ max: text.length - 1 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(changes, ([at, byte]) => {
        const changed = Buffer.from(text);
        changed[at] = byte;
        try {
          readRecoveryKit(changed);
        } catch (error) {
          if (!SecureStoreError.is(error)) throw error;
          expect(error.message).not.toContain(shown);
        }
      }),
    );
    const lines = text.toString().split('\n');
    for (const name of ['fingerprint', 'recovery code']) {
      const cut = lines.filter((line) => !line.startsWith(`${name}:`)).join('\n');
      refused(() => readRecoveryKit(Buffer.from(cut)));
    }
    refused(() => readRecoveryKit(Buffer.from(`${text.toString()}share: SSSH1`)));
    refused(() => readRecoveryKit(Buffer.from(text.toString().replace('/srv/', '/\u0001srv/'))));
    refused(() => readRecoveryKit(Buffer.concat([text, Buffer.from([0xff])])));
  });
});
