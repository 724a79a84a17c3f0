import type { Base } from '../make/base.ts';
import { bytesFrom, flip, set, u32 } from '../make/bytes.ts';
import type { Change } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { caseOf, OPEN } from '../make/cases.ts';
import type { BoundName, Unlock } from '../make/secrets.ts';
import { BOUND, parametersOf, printedCode, printedShare, SECRETS, share, UNLOCKS } from '../make/secrets.ts';
import { LATE } from './fields.ts';
import { impostor } from './impostors.ts';
import { keyWrappers } from './key-wrappers.ts';
import { recipients } from './recipients.ts';
import { ANOTHER, setsOfShares } from './shares.ts';
import { boxForAll } from './unbound-slots.ts';

/** Where the fields of a slot lie that all methods have. */
const FIELDS = [
  ['id', 1],
  ['time', 24],
  ['public key', 25],
  ['salt', 57],
] as const;

const HEX = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Wrong secrets, by the method. */
const WRONG: Readonly<Record<BoundName, Unlock>> = {
  passphrase: { method: 'passphrase', text: 'Correct horse battery staple' },
  keyFile: { method: 'keyFile', secret: HEX(bytesFrom('another key file', 48)) },
  rawKey: { method: 'rawKey', secret: HEX(bytesFrom('another raw key', 32)) },
  recoveryCode: { method: 'recoveryCode', text: printedCode(bytesFrom('another recovery code', 20)) },
  shares: { method: 'shares', texts: [1, 2].map((x) => printedShare(share(x, ANOTHER))) },
};

/** What holds for the slots of every method that binds its slots to the store. */
function ofMethod(base: Base, name: BoundName): Case[] {
  const unlock = UNLOCKS[name];
  const test = caseOf(OPEN);
  const [slot, fields, box] = [`slot ${name}`, `fields of slot ${name}`, `box of slot ${name}`];
  const length = 73 + parametersOf(name, Buffer.alloc(16)).length;
  return [
    { name: `${name}: right`, description: 'The secret of the slot.', action: OPEN, unlock, expect: 'ok' },
    {
      name: `${name}: wrong`,
      description: 'Another secret of the same method.',
      rule: 'S-05',
      action: OPEN,
      unlock: WRONG[name],
      expect: 'UNLOCK_FAILED',
    },
    ...FIELDS.map(([field, at]) =>
      test(
        `${name}: ${field}`,
        `A bit of the ${field} is flipped, in a head that is signed anew: so the slot is not bound to its secret.`,
        slot,
        flip(at),
        'UNLOCK_FAILED',
        { unlock, rule: 'S-03' },
      ),
    ),
    test(
      `${name}: binding tag`,
      'A bit of the binding tag is flipped, in a head that is signed anew.',
      slot,
      flip(length),
      'UNLOCK_FAILED',
      { unlock, rule: 'S-03' },
    ),
    test(
      `${name}: ephemeral key`,
      'A bit of the key in the sealed root is flipped, in a head that is signed anew.',
      slot,
      flip(length + 32),
      'INTEGRITY',
      { unlock, rule: 'S-04' },
    ),
    test(
      `${name}: sealed root`,
      'The last bit of the sealed root is flipped, in a head that is signed anew.',
      slot,
      flip(-1),
      'INTEGRITY',
      { unlock, rule: 'S-04' },
    ),
    test(
      `${name}: box for all`,
      'The root key is sealed to a shared secret of zeros, which every private key shares with a point of low order.',
      slot,
      boxForAll(base),
      'INTEGRITY',
      { unlock, rule: 'S-04' },
    ),
    test(`${name}: lineage in the box`, 'The box is that of another lineage.', box, flip(0), 'INTEGRITY', {
      unlock,
      rule: 'S-04',
    }),
    test(`${name}: slot id in the box`, 'The box is that of another slot.', box, flip(16), 'INTEGRITY', {
      unlock,
      rule: 'S-04',
    }),
    test(`${name}: root number in the box`, 'The box is that of another root key.', box, set(32, u32(1)), 'INTEGRITY', {
      unlock,
      rule: 'S-04',
    }),
    test(`${name}: root key`, 'The root key opens no keyring.', box, flip(36), 'INTEGRITY', { unlock, rule: 'Y-03' }),
    test(
      `${name}: time out of range`,
      'The slot says that it was made a millisecond too late.',
      fields,
      set(17, LATE),
      'INTEGRITY',
      { unlock, rule: 'G-08' },
    ),
  ];
}

function parameters(): Case[] {
  const fields = 'fields of slot passphrase';
  const at = 73;
  const more = { unlock: UNLOCKS.passphrase, rule: 'S-02' };
  const cost = (title: string, description: string, change: Change): Case =>
    caseOf(OPEN)(`passphrase: ${title}`, description, fields, change, 'INTEGRITY', more);
  return [
    cost('memory too small', 'Argon2id is to take 19 MiB less a KiB.', set(at, u32(19 * 1024 - 1))),
    cost('memory too large', 'Argon2id is to take a GiB and a KiB.', set(at, u32(1024 * 1024 + 1))),
    cost('no passes', 'Argon2id is to make no pass.', set(at + 4, 0)),
    cost('too many passes', 'Argon2id is to make 11 passes.', set(at + 4, 11)),
    cost('no lanes', 'Argon2id is to have no lane.', set(at + 5, 0)),
    cost('too many lanes', 'Argon2id is to have 17 lanes.', set(at + 5, 17)),
  ];
}

const hand = (name: string, description: string, unlock: Unlock, expect: Case['expect']): Case => ({
  name,
  description,
  unlock,
  action: OPEN,
  expect,
});

const typed = (name: string, description: string, text: string, expect: Case['expect'] = 'INVALID_ARGUMENT'): Case =>
  hand(`recoveryCode: ${name}`, description, { method: 'recoveryCode', text }, expect);

/** How people hand in what was printed. */
function printed(): Case[] {
  const code = printedCode(SECRETS.recoveryCode);
  const digit = code.slice(-1);
  return [
    typed(
      'in lower case and without hyphens',
      'The code is typed in lower case and without hyphens.',
      code.toLowerCase().replaceAll('-', ''),
      'ok',
    ),
    typed(
      'with spaces and line ends',
      'The code is typed with white space between its groups.',
      code.replaceAll('-', ' \n'),
      'ok',
    ),
    typed(
      'with misread digits',
      'O stands for every 0, and I or L for every 1, but in its first group.',
      `${code.slice(0, 5)}${code.slice(5).replaceAll('0', 'O').replaceAll('1', 'l')}`,
      'ok',
    ),
    typed('a digit is wrong', 'The last digit is another one.', `${code.slice(0, -1)}${digit === '2' ? '3' : '2'}`),
    typed('a group is missing', 'A group is missing.', `${code.slice(0, 6)}${code.slice(11)}`),
    typed('a foreign letter', 'The code holds a U, which no code has.', `${code.slice(0, 6)}U${code.slice(7)}`),
    typed('a share', 'A share is given where a recovery code is asked for.', printedShare(share(1))),
    typed('empty', 'The code is empty.', ''),
  ];
}

/** A slot that is bound does not open there. */
const unknownToImpostor = (): Case =>
  impostor(
    'rawKey: impostor',
    'The store is that of an impostor, who copied the binding tag.',
    UNLOCKS.rawKey,
    'UNLOCK_FAILED',
    { rule: 'S-03' },
  );

/** Slots are the same in every suite: so there is one that opens, one that doesn't, and who may open at all. */
const ofEachSuite = ({ fault, expect, rule }: Case): boolean =>
  rule === 'S-07' || (fault === undefined && (expect === 'ok' || rule === 'S-08'));

export function slots(base: Base): Case[] {
  const bound = BOUND.flatMap((name) => ofMethod(base, name));
  const unbound = [...recipients(base), ...keyWrappers(base)];
  if (base.name === 'suite-1')
    return [...bound, ...parameters(), ...printed(), ...setsOfShares(), ...unbound, unknownToImpostor()];
  if (base.name !== 'suite-2') return [];
  return [...bound.filter(({ expect }) => expect === 'ok'), ...unbound.filter(ofEachSuite)];
}
