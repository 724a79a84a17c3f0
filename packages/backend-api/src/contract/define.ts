import { SecureStoreError } from '@securestore/core-format';
import { CONTRACT_VERSION, type BackendDefinition } from './contract.ts';
import { isScheme } from './location.ts';

/**
 * Checks and returns the default export of a backend package. The definition is checked again when it is loaded, since the
 * package may have been built against another version of this package.
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
    throw invalid(origin, 'the default export must be a backend definition');
  }
  // Nothing is known of the fields yet; each is checked before use.
  const { name, schemes, contract, create } = value as { [K in keyof BackendDefinition]?: unknown };
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,63}$/.test(name)) {
    throw invalid(origin, '"name" must be 1 to 64 of a-z 0-9 -, starting with a letter');
  }
  if (!Array.isArray(schemes) || schemes.length === 0 || !schemes.every(isScheme)) {
    throw invalid(origin, '"schemes" must be a list of at least one scheme, each [a-z][a-z0-9+-]*');
  }
  checkContract(contract, origin);
  if (typeof create !== 'function') throw invalid(origin, '"create" must be a function that returns a backend');
}

/** @throws `UNSUPPORTED` naming both versions if `contract` is not ours. */
export function checkContract(contract: unknown, origin: string): void {
  if (contract === CONTRACT_VERSION) return;
  const theirs = typeof contract === 'number' ? `version ${contract}` : 'no version';
  const isNewer = typeof contract === 'number' && contract > CONTRACT_VERSION;
  throw new SecureStoreError(
    'UNSUPPORTED',
    `${origin} has ${theirs} of the backend contract, but this release needs version ${CONTRACT_VERSION}`,
    { advice: [isNewer ? { id: 'use-newer-release' } : { id: 'use-newer-release', package: origin }] },
  );
}

function invalid(origin: string, problem: string): SecureStoreError {
  return new SecureStoreError('INVALID_ARGUMENT', `${origin}: ${problem}`);
}
