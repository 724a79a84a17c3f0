import type { UnlockSecretMethod } from 'securestore';

/** Whether a secret that is to take the place of the present one is that. It is asked for now, whatever it is. */
export async function isSameSecret(before: UnlockSecretMethod, after: UnlockSecretMethod): Promise<boolean> {
  const next = await after.secret();
  try {
    if (before.type !== after.type) return false;
    const present = await before.secret();
    try {
      return next.equals(present);
    } finally {
      present.fill(0);
    }
  } finally {
    next.fill(0);
  }
}
