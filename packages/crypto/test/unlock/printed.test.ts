import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateRecoveryCode, recoveryCode } from '../../src/index.ts';
import type { PrintedKind } from '../../src/unlock/printed.ts';
import { printed, readPrinted } from '../../src/unlock/printed.ts';

const kinds = fc.constantFrom<PrintedKind>('recovery code', 'share');
const refusal = expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as unknown;
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

describe('a printed secret', () => {
  it('is read back whatever its length, case and grouping, with O for 0 and I and L for 1', () => {
    fc.assert(
      fc.property(kinds, fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.boolean(), (kind, bytes, lower) => {
        const text = printed(kind, bytes).toString('latin1');
        expect(text).toMatch(/^SS(?:RC|SH)1(?:-[0-9A-HJKMNP-TV-Z]{1,4})+$/);
        const typed = text
          .slice(5)
          .replaceAll('-', ' ')
          .replaceAll('0', 'O')
          .replaceAll('1', lower ? 'l' : 'I');
        const spelled = `${text.slice(0, 5)}\n${lower ? typed.toLowerCase() : typed}\r\n`;
        for (const one of [text, spelled]) {
          expect(readPrinted(kind, Buffer.from(one), bytes.length)).toEqual(Buffer.from(bytes));
        }
      }),
    );
  });

  it('with one character wrong, missing, doubled or exchanged with its neighbour is refused', () => {
    const bytes = Buffer.from('twenty bytes of text');
    const text = printed('recovery code', bytes).toString('latin1');
    const read = (changed: string): Buffer => readPrinted('recovery code', Buffer.from(changed), bytes.length);
    for (let at = 0; at < text.length; at++) {
      if (text[at] === '-') continue;
      const [before, after] = [text.slice(0, at), text.slice(at + 1)];
      for (const digit of DIGITS) {
        if (digit !== text[at]) expect(() => read(before + digit + after), `${digit} at ${at}`).toThrow(refusal);
      }
      expect(() => read(before + after)).toThrow(refusal);
      expect(() => read(before + text[at] + text[at] + after)).toThrow(refusal);
      const next = after[0] ?? '-';
      if (next !== '-' && next !== text[at]) {
        expect(() => read(before + next + text[at] + after.slice(1)), `exchanged at ${at}`).toThrow(refusal);
      }
    }
  });

  it('of another kind is named, and nothing of it is said', () => {
    const text = printed('share', Buffer.from('twenty bytes of text'));
    expect(() => readPrinted('recovery code', text, 20)).toThrow(
      'the recovery code must begin with SSRC1, got a share',
    );
    for (const wrong of ['', 'SSRC1', 'correct horse', 'SSRC1-UUUU', 'SSRC1-ä', `SSRC1-${'0'.repeat(100_000)}`]) {
      const error: unknown = ((): unknown => {
        try {
          return readPrinted('recovery code', Buffer.from(wrong), 20);
        } catch (thrown) {
          return thrown;
        }
      })();
      expect(error).toEqual(refusal);
      if (wrong.length > 5) expect(String(error)).not.toContain(wrong.slice(6, 20));
    }
  });

  it('that reads differently has other digits, not other bits behind its last', () => {
    // 20 bytes fill 32 digits, 39 bytes 62 and two bits of another: the others of that must be zero.
    const text = printed('share', Buffer.alloc(39)).toString('latin1');
    const at = text.length - text.replaceAll('-', '').length;
    expect(at).toBeGreaterThan(0);
    for (const digit of '1234567') {
      const digits = text.replaceAll('-', '').split('');
      digits[digits.length - 5] = digit;
      expect(() => readPrinted('share', Buffer.from(digits.join('')), 39)).toThrow(refusal);
    }
  });
});

describe('a recovery code', () => {
  it('is new every time, and its secret is that of its text however it is typed', async () => {
    const [code, other] = [generateRecoveryCode(), generateRecoveryCode()];
    expect(code.toString()).toMatch(/^SSRC1(?:-[0-9A-Z]{4}){9}$/);
    expect(code.equals(other)).toBe(false);
    const secret = await recoveryCode(code).secret();
    expect(secret.length).toBe(20);
    expect(await recoveryCode(code.toString().toLowerCase().replaceAll('-', '')).secret()).toEqual(secret);
    expect(await recoveryCode(async () => code).secret()).toEqual(secret);
    await expect(recoveryCode('SSRC1-0000').secret()).rejects.toEqual(refusal);
    await expect(recoveryCode(7 as unknown as string).secret()).rejects.toEqual(refusal);
  });
});
