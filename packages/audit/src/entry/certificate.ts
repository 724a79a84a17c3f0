import type { AuditCertificate } from '@securestore/core-format';
import { encodeAuditCertificate } from '@securestore/core-format';
import { verifyAs } from '@securestore/crypto';

/**
 * Signs with Ed25519 over the label of `use` and `bytes`, as `signAs` of `@securestore/crypto` does with a private key.
 */
export type Signer = (use: string, bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;

const CERTIFICATE_USE = 'audit certificate';
export const HEADER_USE = 'audit header';

/**
 * Certifies the key that signs the headers of a store's audit segments.
 *
 * @param sign with the store identity
 * @param instance id of the store's instance, 16 bytes
 * @param publicKey Ed25519, 32 bytes
 * @param created in milliseconds since 1970
 */
export async function certifyAuditKey(
  sign: Signer,
  instance: Uint8Array,
  publicKey: Uint8Array,
  created: number,
): Promise<AuditCertificate> {
  const signature = await sign(CERTIFICATE_USE, encodeAuditCertificate(instance, { created, publicKey }));
  return { created, publicKey, signature };
}

/** Whether the store identity has certified the key for this instance. */
export function isCertified(identity: Uint8Array, instance: Uint8Array, certificate: AuditCertificate): boolean {
  const { signature } = certificate;
  return verifyAs(identity, CERTIFICATE_USE, encodeAuditCertificate(instance, certificate), signature);
}
