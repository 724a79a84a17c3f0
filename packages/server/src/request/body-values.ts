/** A secret as it travels. */
type Secret = { readonly passphrase: string } | { readonly key: string };

/** A secret as the library takes it. */
export function secretIn(given: Secret): string | Uint8Array {
  return 'passphrase' in given ? given.passphrase : Buffer.from(given.key, 'base64url');
}

/** A time that may be left out. */
export function dateIn(given: string | undefined): Date | undefined {
  return given === undefined ? undefined : new Date(given);
}
