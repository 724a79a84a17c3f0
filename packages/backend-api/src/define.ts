import { SecureStoreError } from '@securestore/core-format';
import { CONTRACT_VERSION, type BackendDefinition } from './contract.ts';
import { isScheme } from './location.ts';

/**
 * Checks and returns the default export of a backend package. It is checked again when it is loaded, since a package
 * may have been built against another version of this one.
 *
 * @throws `INVALID_ARGUMENT` saying what is wrong with it; `UNSUPPORTED` for another contract version
 */
export function defineBackend(definition: BackendDefinition): BackendDefinition {
  checkDefinition(definition, 'defineBackend');
  return definition;
}

/**
 * @param origin - what the messages call the definition, such as the package it came from
 * @throws `INVALID_ARGUMENT`, `UNSUPPORTED`
 */
export function checkDefinition(value: unknown, origin: string): asserts value is BackendDefinition {
  if (typeof value !== 'object' || value === null) {
    throw invalid(origin, 'it is no backend definition; export default defineBackend({ ... })');
  }
  // Nothing is known of the fields yet; each is checked before use.
  const { name, schemes, contract, create } = value as { [K in keyof BackendDefinition]?: unknown };
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,63}$/.test(name)) {
    throw invalid(origin, 'name is 1 to 64 of a-z 0-9 -, starting with a letter');
  }
  if (!Array.isArray(schemes) || schemes.length === 0 || !schemes.every(isScheme)) {
    throw invalid(origin, 'schemes is a list of at least one scheme, each [a-z][a-z0-9+-]*');
  }
  checkContract(contract, origin);
  if (typeof create !== 'function') throw invalid(origin, 'create is a function that returns a backend');
}

/** @throws `UNSUPPORTED` naming both versions where `contract` is not ours. */
export function checkContract(contract: unknown, origin: string): void {
  if (contract === CONTRACT_VERSION) return;
  const theirs = typeof contract === 'number' ? `version ${contract}` : 'no version';
  throw new SecureStoreError(
    'UNSUPPORTED',
    `${origin}: it declares ${theirs} of the backend contract, and this securestore speaks version ` +
      `${CONTRACT_VERSION}. Install versions of both that agree.`,
  );
}

function invalid(origin: string, problem: string): SecureStoreError {
  return new SecureStoreError('INVALID_ARGUMENT', `${origin}: ${problem}.`);
}
