import { createHash } from 'node:crypto';
import type { BackupKeys } from '@securestore/core-format';
import { decodeBackupKeys, encodeBackupKeys, SecureStoreError } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { CopySettings, UnlockedCopy } from '../../../src/internal.ts';
import { extensionsOf, unlockCopy } from '../../../src/internal.ts';
import { flipped } from '../../support/attacker.ts';
import { copiedFrom, DESTINATION, keysOf } from '../../support/copies.ts';
import { furnished } from '../../support/furnished.ts';
import { club } from '../../support/members.ts';
import { memoryPlace } from '../../support/places.ts';
import { createAt, failure, UNLOCK, usePlace } from '../../support/stores.ts';

const CHECKSUM = 32;
/** Where the id of the destination is in an object `keys`: nothing in it says whether it is the right one. */
const ID = { from: 5, to: 21 };
const REFUSALS = ['INTEGRITY', 'FORMAT_VERSION', 'UNLOCK_FAILED'] as const;

const copy = (keys: BackupKeys, more: Partial<CopySettings> = {}): Promise<UnlockedCopy> =>
  unlockCopy({ keys, url: 'memory:copy', unlock: UNLOCK, ...more });

/** With the checksum that belongs to it: whoever changes something on purpose makes it. */
function checked(bytes: Buffer): Buffer {
  const content = bytes.subarray(0, -CHECKSUM);
  return Buffer.concat([content, createHash('sha256').update(content).digest()]);
}

async function refusal(call: () => Promise<UnlockedCopy>): Promise<string> {
  try {
    (await call()).wipe();
    return 'opened';
  } catch (error) {
    if (SecureStoreError.is(error)) return error.code;
    throw error;
  }
}

describe('a copy of a store', () => {
  it('opens by a secret of the store, and has its identity, settings and policy', async () => {
    const { owner, ann } = await furnished();
    const keys = await copiedFrom(owner);
    const opened = await copy(keys, { fingerprint: owner.fingerprint });
    expect(opened.fingerprint).toBe(owner.fingerprint);
    expect(opened.head.generation).toBe(extensionsOf(owner).backup.head.generation);
    expect(Buffer.from(opened.state.policy ?? []).toString()).toBe('the policy');
    opened.wipe();
    const member = await copy(keys, { unlock: ann.unlock, fingerprint: owner.fingerprint });
    expect(member.state.policy).toBeUndefined();
    member.wipe();
  });

  it('is refused with another secret, and as another store than the pinned one', async () => {
    const { owner } = await club();
    const other = await createAt(usePlace(memoryPlace));
    const keys = await copiedFrom(owner);
    await failure(copy(keys, { unlock: rawKey(Buffer.alloc(32, 8)) }), 'UNLOCK_FAILED');
    await failure(copy(await copiedFrom(other), { fingerprint: owner.fingerprint }), 'INTEGRITY');
    const stranger = { ...keys, head: (await copiedFrom(other)).head };
    await failure(copy(stranger), 'INTEGRITY');
  });

  it('[P-16] is refused unless it has exactly what its head names, before a secret is asked for', async () => {
    const { owner } = await furnished();
    const keys = await copiedFrom(owner);
    expect(keys.objects).toHaveLength(4);
    const unlock = { ...UNLOCK, secret: () => expect.fail('a secret was asked for') };
    const [first, ...rest] = keys.objects;
    if (first === undefined) throw new Error('no objects');
    const more = [...keys.objects, { name: 'z', body: Buffer.from('x') }];
    for (const objects of [rest, keys.objects.slice(0, -1), more, [{ ...first, name: 'a/a' }, ...rest]]) {
      await failure(copy({ ...keys, objects }, { unlock }), 'INTEGRITY');
    }
    for (const [at, object] of keys.objects.entries()) {
      const objects = keys.objects.with(at, { ...object, body: flipped(Buffer.from(object.body), 0) });
      await failure(copy({ ...keys, objects }, { unlock }), 'INTEGRITY');
    }
  });
});

describe('what is sealed for a destination', () => {
  it('[Y-05] [Y-06] opens at its own name, of its own purpose, under the backup key, and of this format version', async () => {
    const { owner } = await club();
    await extensionsOf(owner).backup.makeKeys();
    const { seals } = extensionsOf(owner).backup;
    const sealed = seals.seal('backupPoint', DESTINATION, 's/x', Buffer.from('a point'));
    const opened = await seals.open('backupPoint', DESTINATION, 's/x', sealed);
    expect(opened.toString()).toBe('a point');
    await failure(seals.open('backupPoint', DESTINATION, 's/y', sealed), 'INTEGRITY');
    await failure(seals.open('backupPage', DESTINATION, 's/x', sealed), 'INTEGRITY');
    await failure(seals.open('backupPoint', Buffer.alloc(16, 1), 's/x', sealed), 'INTEGRITY');
    const later = Buffer.from(sealed);
    later.writeUInt8(2, 4);
    await failure(seals.open('backupPoint', DESTINATION, 's/x', later), 'FORMAT_VERSION');
    const underNone = Buffer.from(sealed);
    underNone.fill(0, 40, 48);
    await failure(seals.open('backupPoint', DESTINATION, 's/x', underNone), 'INTEGRITY');
    const journal = (await owner.encryptionKeys.list()).find(({ kind }) => kind === 'journal');
    const underJournal = Buffer.from(sealed);
    Buffer.from(journal?.id ?? '', 'hex').copy(underJournal, 40);
    await failure(seals.open('backupPoint', DESTINATION, 's/x', underJournal), 'INTEGRITY');
  });
});

describe('with any byte of the keys of a backup changed', () => {
  it('[P-04] by accident, they are refused', async () => {
    const keys = await keysOf((await club()).owner);
    for (let at = 0; at < keys.length; at++) {
      const code = await refusal(async () => copy(decodeBackupKeys(flipped(keys, at))));
      expect(REFUSALS, `byte ${at}`).toContain(code);
    }
  });

  it('[P-16] on purpose, they are refused; with another id of the destination they open nothing that lies there', async () => {
    const { owner } = await furnished();
    await extensionsOf(owner).backup.makeKeys();
    const sealed = extensionsOf(owner).backup.seals.seal('backupPoint', DESTINATION, 's/x', Buffer.from('a point'));
    const keys = await keysOf(owner);
    expect(checked(keys)).toEqual(keys);
    for (let at = 0; at < keys.length - CHECKSUM; at++) {
      const changed = checked(flipped(keys, at));
      const isId = at >= ID.from && at < ID.to;
      if (!isId) {
        expect(REFUSALS, `byte ${at}`).toContain(await refusal(async () => copy(decodeBackupKeys(changed))));
        continue;
      }
      const opened = await copy(decodeBackupKeys(changed));
      await failure(opened.seals.open('backupPoint', opened.keys.destination, 's/x', sealed), 'INTEGRITY');
      opened.wipe();
    }
    const opened = await copy(decodeBackupKeys(keys));
    expect((await opened.seals.open('backupPoint', DESTINATION, 's/x', sealed)).toString()).toBe('a point');
    expect(encodeBackupKeys(opened.keys)).toEqual(keys);
    opened.wipe();
  });
});
