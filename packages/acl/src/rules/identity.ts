import { SecureStoreError } from '@securestore/core-format';

/** The longest name of a principal or role, in UTF-8 bytes. */
export const MAX_PRINCIPAL_NAME_BYTES = 256;

declare const checked: unique symbol;

/** A name of a principal or role in the one form in which names are compared, stored and cached. */
export type PrincipalName = string & { readonly [checked]: true };

// Control and format characters, surrogates, what Unicode has not assigned, private use; separators but the space; marks and
// letters that are shown as nothing.
const UNFIT = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/u;

/**
 * Brings a name into its one form, at the edge and nowhere else: trimmed, in Unicode normalisation form C.
 *
 * Case is kept, since the subjects of tokens differ by it (RFC 7519, section 2). So that nobody passes for another by
 * case or form all the same, see {@link foldPrincipalName}.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for what is no string, is empty, longer than {@link MAX_PRINCIPAL_NAME_BYTES}, or
 *   holds characters that can't be seen, or begins with `[`, as only those do who have no name in an audit log
 */
export function parsePrincipalName(name: unknown): PrincipalName {
  if (typeof name !== 'string') return refuse('must be a string');
  // Normalising at most triples the length; what is longer than this needs no look.
  if (name.length > MAX_PRINCIPAL_NAME_BYTES) return refuse(`must have at most ${MAX_PRINCIPAL_NAME_BYTES} bytes`);
  const identity = name.normalize('NFC').trim();
  if (identity === '') return refuse('must not be empty');
  if (UNFIT.test(identity)) return refuse('must not have an invisible character');
  if (identity.normalize('NFKC').startsWith('['))
    return refuse('must not begin with "[", which only the audit log does');
  if (Buffer.byteLength(identity) > MAX_PRINCIPAL_NAME_BYTES)
    return refuse(`must have at most ${MAX_PRINCIPAL_NAME_BYTES} bytes`);
  return identity as PrincipalName;
}

function refuse(reason: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `the name of a principal or role ${reason}`);
}

/**
 * What two names have in common that people or programs may take for the same: a policy never has two of one fold, and
 * who comes with a name that only folds to a known one is turned away.
 */
export function foldPrincipalName(identity: PrincipalName): string {
  let fold: string = identity;
  // Lower case may leave compatibility forms behind, and those upper case; it settles within a few turns.
  for (let turn = 0; turn < 8; turn++) {
    const next = fold.normalize('NFKC').toUpperCase().toLowerCase();
    if (next === fold) break;
    fold = next;
  }
  return fold;
}
