import { encodeBase32 } from '../../../../packages/core-format/src/index.ts';
import { fingerprintBytes, identityPrivateKey, identityPublicKey } from '../../../../packages/crypto/src/index.ts';
import type { Base } from '../make/base.ts';
import { keysOf, ROOT_NUMBER, TIME } from '../make/base.ts';
import { bytesFrom, flip, set, spliced, u16, u32, u53 } from '../make/bytes.ts';
import type { Change } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { caseOf, OPEN } from '../make/cases.ts';
import { slotIdOf } from '../make/make.ts';
import type { Unlock, Wrap } from '../make/secrets.ts';
import { BOX_LENGTH, sealBox, SECRETS, slotKeys, WRAPPED, WRAPPER_ID, wrapperFields } from '../make/secrets.ts';
import { impostor, impostors, taken } from './impostors.ts';
import { ofUnbound, pinned, rootBox, withSlotBefore } from './unbound-slots.ts';

type Context = NonNullable<Wrap['context']>;

const ID_LENGTH_AT = 57;
const WRAPPED_LENGTH_AT = 58 + Buffer.byteLength(WRAPPER_ID);
const FIELDS = 'fields of slot keyWrapper';
const SLOT = 'slot keyWrapper';
const LONGEST = 2048;

const hex = (bytes: Buffer): string => bytes.toString('hex');
const keyId = (base: Base): Buffer => slotIdOf(base, 'keyWrapper');

/** What the wrapper is asked with. */
function contextOf(base: Base): Context {
  const { lineage, identitySeed } = keysOf(base);
  const fingerprint = fingerprintBytes(identityPublicKey(identityPrivateKey(identitySeed)));
  return {
    lineage: encodeBase32(lineage),
    fingerprint: encodeBase32(fingerprint),
    slot: encodeBase32(keyId(base)),
  };
}

const wrap = (more: Partial<Wrap> = {}): Wrap => ({ wrapped: hex(WRAPPED), key: hex(SECRETS.keyWrapper), ...more });
const wrapper = (wraps: readonly Wrap[], id = WRAPPER_ID): Unlock => ({ method: 'keyWrapper', id, wraps });

/** One that doesn't look at its context: with it shows what the format itself refuses. */
const LAX = wrapper([wrap()]);
const strict = (base: Base, other: Partial<Context> = {}): Unlock =>
  wrapper([wrap({ context: { ...contextOf(base), ...other } })]);

/** What the wrapper gives, or does not. */
function asked(base: Base): Case[] {
  const test = (name: string, description: string, unlock: Unlock, rule: string): Case => ({
    name: `keyWrapper: ${name}`,
    description,
    rule,
    unlock,
    action: OPEN,
    expect: 'UNLOCK_FAILED',
    ...pinned(base),
  });
  const otherContext = (what: keyof Context, length: number): Case =>
    test(
      `wrapped for another ${what}`,
      `The wrapper unwraps for another ${what} alone.`,
      strict(base, { [what]: encodeBase32(bytesFrom(`another ${what}`, length)) }),
      'S-11',
    );
  return [
    {
      ...test('right context', 'The wrapper unwraps for the context of the slot alone.', strict(base), 'S-11'),
      expect: 'ok',
    },
    otherContext('lineage', 16),
    otherContext('fingerprint', 32),
    otherContext('slot', 16),
    test('another wrapper', 'The wrapper has another id.', wrapper([wrap()], 'another key'), 'S-11'),
    test('wrong', 'The wrapper gives another key.', wrapper([wrap({ key: hex(bytesFrom('another', 32)) })]), 'S-08'),
    test(
      'a short key',
      'The wrapper gives 31 bytes.',
      wrapper([wrap({ key: hex(SECRETS.keyWrapper.subarray(1)) })]),
      'S-11',
    ),
    test('a long key', 'The wrapper gives 33 bytes.', wrapper([wrap({ key: `${hex(SECRETS.keyWrapper)}00` })]), 'S-11'),
    test('refused', 'The wrapper unwraps nothing.', wrapper([]), 'S-11'),
  ];
}

/** A slot for keys and a box that are right somewhere else. */
function foreign(base: Base, lineage: Buffer, id: Buffer, wrapped: Buffer = WRAPPED): Buffer {
  const { publicKey } = slotKeys(SECRETS.keyWrapper, lineage, id);
  const box = Buffer.concat([lineage, id, u32(ROOT_NUMBER), keysOf(base).root]);
  const sealed = sealBox(box, publicKey, bytesFrom(`${base.name} ephemeral of another key wrapper`, 32));
  const parameters = wrapperFields(Buffer.from(WRAPPER_ID), wrapped);
  return Buffer.concat([Buffer.from([7]), id, u53(TIME), publicKey, parameters, sealed]);
}

/** With the slot id of another slot in its fields and in its box, which is sealed to the same key. */
const moved =
  (base: Base, id: Buffer): Change =>
  (slot) => {
    const { publicKey } = slotKeys(SECRETS.keyWrapper, keysOf(base).lineage, keyId(base));
    const sealed = sealBox(rootBox(base, id), publicKey, bytesFrom(`${base.name} ephemeral of a moved slot`, 32));
    return Buffer.concat([slot.subarray(0, 1), id, slot.subarray(17, -BOX_LENGTH), sealed]);
  };

const withWrapped =
  (wrapped: Buffer): Change =>
  (fields) => {
    const remove = fields.length - WRAPPED_LENGTH_AT;
    return spliced(fields, { at: WRAPPED_LENGTH_AT, remove, insert: Buffer.concat([u16(wrapped.length), wrapped]) });
  };

/** What the slot says of its wrapper, and where it comes from. */
function changed(base: Base): Case[] {
  const make = caseOf(OPEN);
  const long = bytesFrom('a long wrapped key', LONGEST + 1);
  const longest = long.subarray(1);
  const test = (
    title: string,
    description: string,
    stage: string,
    change: Change,
    expect: Case['expect'],
    rule: string,
  ): Case => make(`keyWrapper: ${title}`, description, stage, change, expect, { ...pinned(base), unlock: LAX, rule });
  const parsed = (title: string, description: string, change: Change, rule: string): Case =>
    test(title, description, FIELDS, change, 'INTEGRITY', rule);
  const otherId = bytesFrom(`${base.name} id of another key wrapper`, 16);
  const otherLineage = bytesFrom('another lineage', 16);
  return [
    test(
      'id',
      'A bit of the slot id is flipped, in a head that is signed anew.',
      SLOT,
      flip(1),
      'UNLOCK_FAILED',
      'S-08',
    ),
    test(
      'moved to another id',
      'The slot has another id, and so has its box, but its key is that of the slot it was.',
      SLOT,
      moved(base, otherId),
      'UNLOCK_FAILED',
      'S-08',
    ),
    test(
      'of another lineage',
      'The slot was made for another lineage.',
      SLOT,
      () => foreign(base, otherLineage, keyId(base)),
      'UNLOCK_FAILED',
      'S-08',
    ),
    test(
      'id of the wrapper',
      'A bit of the id of the wrapper is flipped.',
      SLOT,
      flip(ID_LENGTH_AT + 1),
      'UNLOCK_FAILED',
      'S-11',
    ),
    test(
      'wrapped key',
      'A bit of the wrapped key is flipped.',
      SLOT,
      flip(WRAPPED_LENGTH_AT + 2),
      'UNLOCK_FAILED',
      'S-11',
    ),
    {
      ...test(
        'the longest wrapped key',
        'The wrapped key has 2,048 bytes.',
        FIELDS,
        withWrapped(longest),
        'ok',
        'S-09',
      ),
      unlock: wrapper([wrap(), wrap({ wrapped: hex(longest) })]),
    },
    parsed('a wrapped key too long', 'The wrapped key has 2,049 bytes.', withWrapped(long), 'S-09'),
    parsed('no wrapped key', 'The wrapped key is empty.', withWrapped(Buffer.alloc(0)), 'S-09'),
    parsed(
      'no id of a wrapper',
      'The id of the wrapper is empty.',
      (fields) =>
        spliced(fields, {
          at: ID_LENGTH_AT,
          remove: WRAPPED_LENGTH_AT - ID_LENGTH_AT,
          insert: Buffer.alloc(1),
        }),
      'S-09',
    ),
    parsed('an id that is no text', 'The id of the wrapper is not UTF-8.', set(ID_LENGTH_AT + 1, 0xff), 'G-02'),
    parsed(
      'an id beyond the slot',
      'The id of the wrapper is said to be longer than the slot.',
      set(ID_LENGTH_AT, 255),
      'G-03',
    ),
    parsed(
      'a wrapped key beyond the slot',
      'The wrapped key is said to be longer than the slot.',
      set(WRAPPED_LENGTH_AT, u16(LONGEST)),
      'G-03',
    ),
    test(
      'a refused slot before',
      'A slot of the same wrapper comes first that it does not unwrap.',
      'head before its signature',
      withSlotBefore(foreign(base, keysOf(base).lineage, otherId, bytesFrom('unknown to the wrapper', 40))),
      'ok',
      'S-11',
    ),
    test(
      'a slot of another lineage before',
      'A slot of the same wrapper comes first of which it gives another key than the slot has.',
      'head before its signature',
      withSlotBefore(foreign(base, otherLineage, otherId)),
      'ok',
      'S-11',
    ),
  ];
}

export function keyWrappers(base: Base): Case[] {
  return [
    ...ofUnbound(base, 'keyWrapper', LAX),
    ...asked(base),
    ...changed(base),
    ...impostors(base, 'keyWrapper', LAX),
    impostor(
      'keyWrapper: impostor, taken for the right store, but not by the wrapper',
      'The fingerprint is that of the impostor, and the wrapper unwraps for the right one alone.',
      strict(base),
      'UNLOCK_FAILED',
      { rule: 'S-11', ...taken },
    ),
  ];
}
