import { SecureStoreError } from '@securestore/core-format';
import type { ShareScheme } from '@securestore/crypto';
import type { TextKind } from './labelled-text.ts';
import { fingerprintIn, isOfKind, labelledLine, readLabelled, textIn } from './labelled-text.ts';

/** A recovery code or a share, with everything that is needed to open a store by it. */
export interface RecoveryKit {
  readonly kind: 'recovery code' | 'share';
  /** The code or the share as text. The caller wipes it. */
  readonly unlockSecret: Uint8Array;
  /** The store that it opens. */
  readonly fingerprint: string;
  readonly storeUrl: string;
  readonly made: Date;
  /**
   * The store URLs of the backups, without credentials, for the person who reads the sheet; empty if there are none. They are printed as
   * comments, and not read back.
   */
  readonly destinations?: readonly string[];
  /** Of a share: which one it is, from 1, and how many of how many are needed. */
  readonly share?: ShareScheme & { readonly number: number };
}

const KIND: TextKind = {
  title: 'securestore recovery kit 1',
  what: 'the recovery kit',
  names: ['made', 'store', 'fingerprint', 'share number', 'shares needed', 'recovery code', 'share'],
};

const OF_CODE = `
# Whoever has this sheet can open the store below. Print it, keep it where the store is not, and delete this file.
#
# To open the store when every other secret is lost, put this text, or the code alone, into a file that only you
# can read, and give that file to any command:
#   securestore ls --store STORE --recovery-code-file THIS-FILE
# Then make a new secret (securestore slot add) and a new kit, and remove the slot of this one (securestore slot list).

`;

const OF_SHARE = `
# This is one of several shares. As many as are needed, of those that were made together, open the store below; fewer tell
# nothing. Print it, keep it where neither the store nor another share is, and delete this file.
#
# To open the store when every other secret is lost, bring as many together as are needed, each in a file that only
# you can read, as this text or as the share alone, and give all of them to any command:
#   securestore ls --store STORE --share-file ONE-FILE --share-file ANOTHER-FILE
# Then make a new secret (securestore slot add) and new kits, and remove the slot of these (securestore slot list).

`;

function invalid(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `a recovery kit ${message}`);
}

/** A caller without types may leave something out, which must be detected before the kit is printed. */
function checkKit(kit: RecoveryKit): void {
  if (typeof kit !== 'object' || kit === null) invalid('must be an object');
  const { kind, unlockSecret, made, share, destinations } = kit;
  if (kind !== 'recovery code' && kind !== 'share') invalid('must be of the kind "recovery code" or "share"');
  if (destinations !== undefined && !Array.isArray(destinations)) invalid('must have an array in "destinations"');
  if (!(unlockSecret instanceof Uint8Array)) invalid('must have the code or share as a Uint8Array in "unlockSecret"');
  if (!(made instanceof Date) || Number.isNaN(made.getTime())) invalid('must have a Date in "made"');
  const numbers = share === undefined ? [] : [share?.number, share?.count, share?.threshold];
  if (!numbers.every(Number.isInteger)) invalid('must have the number, count and threshold of a share in "share"');
}

/** Lines about the backups of the store. @param destinations `undefined` if that is not known */
function backupLines(destinations: readonly string[] | undefined): string {
  if (destinations === undefined) return '';
  if (destinations.length === 0) {
    return '# The store had no backup when this was made. Write down their store URLs here:\n#\n#\n\n';
  }
  const lines = destinations.map((url) => `#   ${labelledLine('backup', url)}`).join('');
  return (
    '# If the store is lost, restore it from one of its backups, which were here when this was made:\n' +
    `${lines}#   securestore restore BACKUP --to NEW-URL, with the option of this kit as above\n\n`
  );
}

/** A kit as text to be printed. The caller wipes it. @throws SecureStoreError `INVALID_ARGUMENT` */
export function formatRecoveryKit(kit: RecoveryKit): Buffer {
  checkKit(kit);
  const { kind, unlockSecret, fingerprint, storeUrl, made, share, destinations } = kit;
  const numbers =
    share === undefined
      ? ''
      : labelledLine('share number', `${share.number} of ${share.count}`) +
        labelledLine('shares needed', String(share.threshold));
  const about =
    `${KIND.title}\n${kind === 'share' ? OF_SHARE : OF_CODE}${backupLines(destinations)}` +
    labelledLine('made', made.toISOString().slice(0, 10)) +
    labelledLine('store', storeUrl) +
    labelledLine('fingerprint', fingerprint) +
    numbers;
  return Buffer.concat([Buffer.from(`${about}${kind}: `, 'utf8'), unlockSecret, Buffer.from('\n')]);
}

/** What a kit holds that is needed to open the store. */
export type ReadRecoveryKit = Pick<RecoveryKit, 'kind' | 'fingerprint'> & {
  /** A copy, to be wiped. */
  readonly unlockSecret: Buffer;
  readonly storeUrl?: string;
};

/**
 * Reads what {@link formatRecoveryKit} made; `undefined` if the text is no kit, such as a code by itself. The code or share in
 * it is not checked: `recoveryCode` and `shares` do that.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for a kit that is malformed; `UNSUPPORTED` for one of a later release
 */
export function readRecoveryKit(text: Uint8Array): ReadRecoveryKit | undefined {
  if (!(text instanceof Uint8Array)) invalid('must be read from a Uint8Array');
  if (!isOfKind(text, KIND)) return undefined;
  const values = readLabelled(Buffer.from(text.buffer, text.byteOffset, text.byteLength), KIND);
  const found = (['recovery code', 'share'] as const).filter((kind) => values.has(kind));
  const [kind, another] = found;
  if (kind === undefined || another !== undefined) {
    invalid('must have either one recovery code or one share');
  }
  const fingerprint = fingerprintIn(values, KIND);
  const storeUrl = textIn(values, 'store', KIND);
  const unlockSecret = Buffer.from(values.get(kind) ?? []);
  return { kind, fingerprint, unlockSecret, ...(storeUrl === undefined ? {} : { storeUrl }) };
}
