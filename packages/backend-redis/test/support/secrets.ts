import { inspect } from 'node:util';
import { expect } from 'vitest';

/** Checks that nothing of a value, printed as deep as it goes, shows any of `secrets`. */
export function expectNoSecret(value: unknown, secrets: readonly string[]): void {
  const shown = inspect(value, {
    depth: Infinity,
    showHidden: true,
    maxStringLength: Infinity,
    maxArrayLength: Infinity,
  });
  for (const secret of secrets) expect(shown).not.toContain(secret);
}
