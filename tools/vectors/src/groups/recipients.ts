import { formatRecipient } from '../../../../packages/crypto/src/unlock/recipient.ts';
import type { Base } from '../make/base.ts';
import { TIME } from '../make/base.ts';
import { bytesFrom, flip, u53 } from '../make/bytes.ts';
import type { Change } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { caseOf, OPEN } from '../make/cases.ts';
import type { Unlock } from '../make/secrets.ts';
import { printedIdentity, publicKeyOf, sealBox, SECRETS } from '../make/secrets.ts';
import { impostors } from './impostors.ts';
import { ofUnbound, pinned, rootBox, withSlotBefore } from './unbound-slots.ts';

const TEXT = printedIdentity(SECRETS.recipient);
const identity = (text: string): Unlock => ({ method: 'recipient', text });
const OTHER = bytesFrom('another identity', 32);
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** One more slot, with which nothing is wrong. */
function slotFor(base: Base, privateKey: Buffer): Buffer {
  const id = bytesFrom(`${base.name} id of another recipient`, 16);
  const publicKey = publicKeyOf(privateKey);
  const sealed = sealBox(rootBox(base, id), publicKey, bytesFrom(`${base.name} ephemeral of another recipient`, 32));
  return Buffer.concat([Buffer.from([6]), id, u53(TIME), publicKey, sealed]);
}

/** With a bit set that no byte has: digits of 5 bits have room for four more than 32 bytes. */
function withSpareBit(): string {
  const digits = TEXT.slice(5).replaceAll('-', '');
  const last = 51;
  return `SSID1${digits.slice(0, last)}${DIGITS[DIGITS.indexOf(digits[last] ?? '') + 1]}${digits.slice(last + 1)}`;
}

function typed(
  base: Base,
  name: string,
  description: string,
  text: string,
  expect: Case['expect'],
  rule?: string,
): Case {
  const unlock = identity(text);
  const of = rule === undefined ? {} : { rule };
  return { name: `recipient: ${name}`, description, unlock, action: OPEN, expect, ...pinned(base), ...of };
}

function others(
  base: Base,
  title: string,
  description: string,
  change: Change,
  expect: Case['expect'],
  rule: string,
): Case {
  const more = { ...pinned(base), unlock: identity(TEXT), rule };
  return caseOf(OPEN)(`recipient: ${title}`, description, 'head before its signature', change, expect, more);
}

export function recipients(base: Base): Case[] {
  const wrong = TEXT.endsWith('2') ? '3' : '2';
  const own = slotFor(base, SECRETS.recipient);
  const moved = caseOf(OPEN)(
    'recipient: id',
    'A bit of the slot id is flipped, in a head that is signed anew: the box is that of another slot.',
    'slot recipient',
    flip(1),
    'INTEGRITY',
    { ...pinned(base), unlock: identity(TEXT), rule: 'S-04' },
  );
  return [
    ...ofUnbound(base, 'recipient', identity(TEXT)),
    typed(base, 'wrong', 'Another identity.', printedIdentity(OTHER), 'UNLOCK_FAILED', 'S-08'),
    moved,
    others(
      base,
      'a slot of another recipient before',
      'A slot of another recipient comes first.',
      withSlotBefore(slotFor(base, OTHER)),
      'ok',
      'S-05',
    ),
    others(
      base,
      'a damaged slot before',
      'A slot of the same recipient comes first whose sealed root is damaged: it is not passed over.',
      withSlotBefore(flip(-1)(own, new Map()) ?? own),
      'INTEGRITY',
      'S-04',
    ),
    typed(
      base,
      'in lower case and without hyphens',
      'The identity is in lower case and without hyphens.',
      TEXT.toLowerCase().replaceAll('-', ''),
      'ok',
    ),
    typed(
      base,
      'with misread digits',
      'O stands for every 0, and I or L for every 1, but in its first group.',
      `${TEXT.slice(0, 5)}${TEXT.slice(5).replaceAll('0', 'O').replaceAll('1', 'l')}`,
      'ok',
    ),
    typed(
      base,
      'a digit is wrong',
      'The last digit is another one.',
      `${TEXT.slice(0, -1)}${wrong}`,
      'INVALID_ARGUMENT',
    ),
    typed(
      base,
      'a group is missing',
      'A group is missing.',
      `${TEXT.slice(0, 6)}${TEXT.slice(11)}`,
      'INVALID_ARGUMENT',
    ),
    typed(base, 'a spare bit', 'A bit behind the last byte is set.', withSpareBit(), 'INVALID_ARGUMENT'),
    typed(
      base,
      'its recipient',
      'The recipient is given where the identity is asked for.',
      formatRecipient(publicKeyOf(SECRETS.recipient)),
      'INVALID_ARGUMENT',
    ),
    ...impostors(base, 'recipient', identity(TEXT)),
  ];
}
