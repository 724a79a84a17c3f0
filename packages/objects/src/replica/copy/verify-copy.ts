import type { BackupKeys } from '@securestore/core-format';
import { isDamage } from '@securestore/core-format';
import { parseHead } from '../../head/store-state.ts';
import { checkCopied } from './read-only-backend.ts';

/** Whether a copy has a head that its identity has signed, and exactly what that names: so that whoever trusts the identity can open it. */
export function isGenuineCopy(keys: BackupKeys): boolean {
  try {
    checkCopied(keys, parseHead({ body: keys.head }).head);
    return true;
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}
