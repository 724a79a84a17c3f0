import { decodeHead, encodeHead, encodeSlot } from '../../../../packages/core-format/src/index.ts';
import type { Head, Reference } from '../../../../packages/core-format/src/index.ts';
import { identityPrivateKey, identityPublicKey } from '../../../../packages/crypto/src/index.ts';
import type { Base } from '../make/base.ts';
import { keysOf } from '../make/base.ts';
import type { Change } from '../make/bytes.ts';
import { append, bytesFrom, flip, set, spliced, u16, u32 } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { caseOf, OPEN } from '../make/cases.ts';
import { SLOTS } from '../make/secrets.ts';
import { anchors } from './anchors.ts';
import { LATE } from './fields.ts';
import { AT_FIELD, tamperedHead } from './head-bytes.ts';

const test = caseOf(OPEN);
const HEAD = 'head before its signature';

/** A change of the structure itself. */
const rewrite =
  (change: (head: Head) => Head): Change =>
  (bytes) =>
    encodeHead(change(decodeHead(Buffer.concat([bytes, Buffer.alloc(64)])).head));

const area =
  (fields: Uint8Array): Change =>
  (bytes) =>
    Buffer.concat([bytes.subarray(0, -2), u16(fields.length), fields]);
const at = AT_FIELD;

/** What the holder of the identity may sign and no reader takes. */
function signed(base: Base): Case[] {
  const other = keysOf({ ...base, name: 'another' });
  const refs = at['number of references'];
  return [
    test('format version 2', 'The format version is 2, and signed.', HEAD, set(4, 2), 'FORMAT_VERSION', {
      rule: 'G-04',
    }),
    test(
      'no ancestors',
      'The head tells of no head before it.',
      HEAD,
      (bytes) => spliced(bytes, { at: 69, remove: 65, insert: Buffer.alloc(1) }),
      'INTEGRITY',
      { rule: 'H-10' },
    ),
    test('time out of range', 'The time is a millisecond too late.', HEAD, set(134, LATE), 'INTEGRITY', {
      rule: 'G-08',
    }),
    test('state unknown', 'The state is 6.', HEAD, set(at.state, 6), 'INTEGRITY', { rule: 'H-02' }),
    test('state zero', 'The state is 0.', HEAD, set(at.state, 0), 'INTEGRITY', { rule: 'H-02' }),
    test('state moved', 'The store has moved.', HEAD, set(at.state, 4), 'LOCKED'),
    test('state scratch', 'The store is the scratch store of a drill.', HEAD, set(at.state, 5), 'LOCKED'),
    test('naming unknown', 'The naming is 3.', HEAD, set(at.naming, 3), 'INTEGRITY', { rule: 'H-02' }),
    test('journal unknown', 'The journal mode is 3.', HEAD, set(at.journal, 3), 'INTEGRITY', { rule: 'H-02' }),
    test(
      'no suite',
      'The head accepts no suite.',
      HEAD,
      (bytes) => spliced(bytes, { at: 180, remove: 2, insert: Buffer.alloc(1) }),
      'INTEGRITY',
      { rule: 'H-03' },
    ),
    test(
      'suites twice',
      'A suite is listed twice.',
      HEAD,
      rewrite((head) => ({ ...head, suites: [base.suite, base.suite] })),
      'INTEGRITY',
      { rule: 'H-03' },
    ),
    test(
      'suites out of order',
      'The suites are in descending order.',
      HEAD,
      rewrite((head) => ({ ...head, suites: [2, 1] })),
      'INTEGRITY',
      { rule: 'H-03' },
    ),
    test(
      'a suite of later releases',
      'The head accepts a suite that nothing is sealed under.',
      HEAD,
      rewrite((head) => ({ ...head, suites: [base.suite, 200] })),
      'ok',
      { rule: 'G-04' },
    ),
    test(
      'suite of nothing',
      'The head accepts another suite than everything is sealed under.',
      HEAD,
      set(at.suite, 200),
      'INTEGRITY',
      { rule: 'Y-02' },
    ),
    test(
      'rotation of depth 4',
      'A rotation of an unknown depth is under way.',
      HEAD,
      (bytes) =>
        spliced(bytes, { at: at.rotation, remove: 1, insert: Buffer.concat([Buffer.from([4]), Buffer.alloc(16, 1)]) }),
      'INTEGRITY',
      { rule: 'H-11' },
    ),
    test(
      'a rotation',
      'A rotation of depth 3 is under way, which keeps nobody from reading.',
      HEAD,
      rewrite((head) => ({ ...head, rotation: { depth: 'data', id: Buffer.alloc(16, 1) } })),
      'ok',
      { rule: 'H-11' },
    ),
    test('reference of kind 7', 'A reference is of an unknown kind.', HEAD, set(refs + 1 + 2 * 74, 7), 'INTEGRITY', {
      rule: 'H-04',
    }),
    test(
      'references out of order',
      'The kinds of two references are the same.',
      HEAD,
      set(refs + 1 + 74, 1),
      'INTEGRITY',
      { rule: 'H-04' },
    ),
    test(
      'name of a reference',
      'The name of a reference holds a capital.',
      HEAD,
      set(refs + 3, Buffer.from('K')),
      'INTEGRITY',
      { rule: 'H-04' },
    ),
    test(
      'two checkpoints',
      'There is a checkpoint and a former one.',
      HEAD,
      rewrite((head) => ({ ...head, references: { ...head.references, ...former(head) } })),
      'INTEGRITY',
      { rule: 'H-12' },
    ),
    test(
      'no keyring',
      'The head names no keyring.',
      HEAD,
      rewrite((head) => ({ ...head, references: { categoryMap: mapOf(head) } })),
      'INTEGRITY',
      { rule: 'Y-04' },
    ),
    test(
      'digest of the keyring',
      'The head pins another keyring than there is.',
      HEAD,
      flip(at['digest of a reference']),
      'INTEGRITY',
      { rule: 'Y-04' },
    ),
    test(
      'two slots of one id',
      'Two slots have the same id.',
      HEAD,
      rewrite((head) => ({ ...head, slots: [...head.slots, ...head.slots.slice(2, 3)] })),
      'INTEGRITY',
      { rule: 'H-06' },
    ),
    test(
      'too many slots',
      'There are 65 slots.',
      HEAD,
      (bytes) =>
        spliced(bytes, {
          at: 427,
          remove: 1,
          insert: Buffer.concat([
            Buffer.from([65]),
            Buffer.concat(Array.from({ length: 65 - SLOTS.length }, () => Buffer.from([0, 1, 99]))),
          ]),
        }),
      'INTEGRITY',
      { rule: 'H-05' },
    ),
    test(
      'nine passphrases',
      'There are nine slots for passphrases.',
      HEAD,
      rewrite((head) => ({
        ...head,
        slots: [...Array.from({ length: 8 }, (_, index) => withId(head, index)), ...head.slots].map(asUnknown),
      })),
      'INTEGRITY',
      { rule: 'H-05' },
    ),
    test(
      'an unknown slot',
      'A slot of an unknown method is passed over.',
      HEAD,
      rewrite((head) => ({
        ...head,
        slots: [{ method: { type: 'unknown' }, raw: Buffer.from([99, 1, 2]) }, ...head.slots],
      })),
      'ok',
      { rule: 'S-01' },
    ),
    test(
      'a slot too long',
      'A byte follows a slot, within its length.',
      HEAD,
      (bytes) => longerSlot(bytes),
      'INTEGRITY',
      { rule: 'G-03' },
    ),
    test(
      'an unknown field',
      'An unknown field that is not critical is ignored.',
      HEAD,
      area(Buffer.from([9, 0, 0, 1, 0])),
      'ok',
      { rule: 'G-06' },
    ),
    test(
      'an unknown critical field',
      'An unknown critical field.',
      HEAD,
      area(Buffer.from([9, 1, 0, 1, 0])),
      'FORMAT_VERSION',
      { rule: 'G-06' },
    ),
    test(
      'bytes before the signature',
      'A byte stands between the field area and the signature.',
      HEAD,
      append(Buffer.alloc(1)),
      'INTEGRITY',
      { rule: 'G-03' },
    ),
    test(
      'another identity',
      'The head carries the key of another identity than the keyring has.',
      HEAD,
      set(at.identity, identityPublicKey(identityPrivateKey(other.identitySeed))),
      'INTEGRITY',
      { rule: 'H-07' },
    ),
    test(
      'another root number',
      'The root number is not that of the box of the slot.',
      HEAD,
      set(174, u32(3)),
      'INTEGRITY',
      { rule: 'S-04' },
    ),
    test(
      'another instance',
      'The head is that of another instance than keyring and map are bound to.',
      HEAD,
      flip(at.instance),
      'INTEGRITY',
      { rule: 'Y-03' },
    ),
  ];
}

/** As whoever writes it doesn't count it. */
const asUnknown = (slot: Head['slots'][number]): Head['slots'][number] => ({
  method: { type: 'unknown' },
  raw: encodeSlot(slot),
});

/** A passphrase slot that is another one by its id. */
function withId(head: Head, index: number): Head['slots'][number] {
  const [first] = head.slots;
  if (first === undefined || 'raw' in first) throw new Error('the first slot is no passphrase');
  return { ...first, id: bytesFrom(`slot ${index}`, 16) };
}

/** How the head names its category map. */
function mapOf({ references: { categoryMap } }: Head): Reference {
  if (categoryMap === undefined) throw new Error('no category map');
  return categoryMap;
}

function former({ references: { checkpoint } }: Head): Head['references'] {
  return checkpoint === undefined ? {} : { formerCheckpoint: checkpoint };
}

function longerSlot(bytes: Buffer): Buffer {
  const [count, slot] = [428, 430];
  const length = bytes.readUInt16BE(count);
  const longer = spliced(bytes, { at: slot + length, remove: 0, insert: Buffer.alloc(1) });
  return spliced(longer, { at: count, remove: 2, insert: u16(length + 1) });
}

export function heads(base: Base): Case[] {
  if (base.name === 'suite-1') return [...tamperedHead(), ...signed(base), ...anchors(base)];
  return base.name === 'suite-2' ? signed(base).filter(({ name }) => /suite|version|critical/.test(name)) : [];
}
