import type { GlobalOptions } from '../options/global-options.ts';
import type { NewSecretOptions } from './secret.ts';

/** The options that name what opens a store. */
const SECRETS: ReadonlySet<string> = new Set<keyof GlobalOptions>([
  'keyFile',
  'passphraseFile',
  'passphraseCommand',
  'recoveryCodeFile',
  'shareFile',
  'identityFile',
]);

/** The options of the next command, once the secret that opened the store no longer does: those of the new one, if options name it. */
export function withNewSecret(options: GlobalOptions & NewSecretOptions): GlobalOptions {
  const { newKeyFile, newPassphraseFile, newPassphraseCommand } = options;
  return {
    ...Object.fromEntries(Object.entries(options).filter(([name]) => !SECRETS.has(name))),
    ...(newKeyFile !== undefined && { keyFile: newKeyFile }),
    ...(newPassphraseFile !== undefined && { passphraseFile: newPassphraseFile }),
    ...(newPassphraseCommand !== undefined && { passphraseCommand: newPassphraseCommand }),
  };
}
