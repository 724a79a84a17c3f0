import { fingerprintOf, identityPrivateKey, identityPublicKey } from '../../../../packages/crypto/src/index.ts';
import type { Base } from '../make/base.ts';
import { GENERATION, keysOf } from '../make/base.ts';
import { bytesFrom, sha256 } from '../make/bytes.ts';
import type { Anchor, Case } from '../make/cases.ts';
import { OPEN } from '../make/cases.ts';
import { make } from '../make/make.ts';

const HEAD = 'head before its signature';

export function anchors(base: Base): Case[] {
  const { instance, identitySeed } = keysOf(base);
  const signedBytes = make(base).stages.get(HEAD)?.before ?? Buffer.alloc(0);
  const anchor: Anchor = {
    instance: instance.toString('hex'),
    generation: GENERATION,
    fingerprint: fingerprintOf(identityPublicKey(identityPrivateKey(identitySeed))),
    head: sha256(signedBytes).toString('hex'),
  };
  const parent = bytesFrom(`${base.name} parent`, 16).toString('hex');
  const stranger = bytesFrom('stranger', 32);
  const known = (
    name: string,
    description: string,
    expect: Case['expect'],
    changes: Partial<Anchor>,
    rule = 'F-03',
  ): Case => ({
    name: `anchor: ${name}`,
    description,
    rule,
    anchor: { ...anchor, ...changes },
    action: OPEN,
    expect,
  });
  return [
    known('the same', 'The head that was seen before.', 'ok', {}),
    known(
      'older',
      'A head was seen before that this one follows from.',
      'ok',
      { generation: 2, head: bytesFrom(`${base.name} head 2`, 32).toString('hex') },
      'H-10',
    ),
    known(
      'of an older branch',
      'A head of a lower generation was seen that this one does not follow from.',
      'ROLLBACK',
      { generation: 2, head: bytesFrom('other', 32).toString('hex') },
      'H-10',
    ),
    known('newer', 'A head of a higher generation was seen.', 'ROLLBACK', {
      generation: 4,
      head: stranger.toString('hex'),
    }),
    known(
      'another head',
      'Another head of the same generation was seen.',
      'ROLLBACK',
      { head: stranger.toString('hex') },
      'F-02',
    ),
    known('another identity', 'A store of another identity was seen.', 'ROLLBACK', {
      fingerprint: fingerprintOf(stranger),
    }),
    known('of the parent', 'The store was seen that this one was made from.', 'ok', {
      instance: parent,
      generation: 7,
    }),
    known('of a newer parent', 'The store that this one was made from was seen at a higher generation.', 'ROLLBACK', {
      instance: parent,
      generation: 8,
    }),
    known('another instance', 'Another store of the same identity was seen.', 'ROLLBACK', {
      instance: stranger.subarray(0, 16).toString('hex'),
    }),
    {
      name: 'fingerprint: the right one',
      description: 'The fingerprint is pinned.',
      rule: 'H-08',
      fingerprint: anchor.fingerprint,
      action: OPEN,
      expect: 'ok',
    },
    {
      name: 'fingerprint: another one',
      description: 'Another fingerprint is pinned.',
      rule: 'H-08',
      fingerprint: fingerprintOf(stranger),
      action: OPEN,
      expect: 'INTEGRITY',
    },
  ];
}
