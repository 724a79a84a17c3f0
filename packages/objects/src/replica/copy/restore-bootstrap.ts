import type { Keyring } from '@securestore/core-format';
import {
  ByteReader,
  ByteWriter,
  copySecret,
  decodeKeyring,
  encodeKeyring,
  ID_LENGTH,
  KEY_LENGTH,
} from '@securestore/core-format';
import { withNewPrimaries } from '../../engine/new-keys.ts';
import type { UnlockedCopy } from './unlock-copy.ts';

/** What is decided when a restore begins, and kept so that it can be gone on with. */
export interface Foundation {
  /** SHA-256 of what is restored. */
  readonly source: Buffer;
  /** SHA-256 of the keyring of the copy, which `keyring` was made of. */
  readonly keys: Buffer;
  /** SHA-256 of what was asked for. */
  readonly asked: Buffer;
  /** What that meant then, as whoever restores has it. */
  readonly pin: Buffer;
  readonly instance: Buffer;
  readonly root: Buffer;
  readonly keyring: Keyring;
}

export function encodeFoundation({ source, keys, asked, pin, instance, root, keyring }: Foundation): Buffer {
  const encoded = encodeKeyring(keyring);
  const writer = new ByteWriter(1024).fixed(source, KEY_LENGTH).fixed(instance, ID_LENGTH).fixed(root, KEY_LENGTH);
  const bytes = writer
    .fixed(keys, KEY_LENGTH)
    .fixed(asked, KEY_LENGTH)
    .u16(pin.length)
    .bytes(pin)
    .bytes(encoded)
    .finish();
  encoded.fill(0);
  return bytes;
}

export function decodeFoundation(bytes: Buffer): Foundation {
  const reader = new ByteReader('the state of the restore', bytes);
  const fixed = {
    source: reader.copy(KEY_LENGTH),
    instance: reader.copy(ID_LENGTH),
    root: copySecret(reader.view(KEY_LENGTH)),
    keys: reader.copy(KEY_LENGTH),
    asked: reader.copy(KEY_LENGTH),
    pin: reader.copy(reader.u16()),
  };
  return { ...fixed, keyring: decodeKeyring(reader.view(reader.remaining)) };
}

/** The keys of a store that is made of a copy: new primary versions; what they replace opens only copies. */
export function renewed(before: Keyring, now: number, random: UnlockedCopy['random']): Keyring {
  const next = withNewPrimaries(before, now, random);
  const groups = next.groups.map((group) => {
    if (group.kind === 'audit' || group.kind === 'backup') return group;
    const versions = group.versions.map((version) =>
      version.state === 'enabled' && version.destroyAt === 0 ? { ...version, state: 'disabled' as const } : version,
    );
    return { ...group, versions };
  });
  return { ...next, rootNumber: before.rootNumber + 1, groups };
}
