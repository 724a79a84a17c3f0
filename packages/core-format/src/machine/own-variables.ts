type Environment = Readonly<Record<string, string | undefined>>;

/** The folder of credentials holds what opens a store, so a program that finds it could read all of that. */
function isOwn(name: string): boolean {
  return name.startsWith('SECURESTORE_') || name === 'CREDENTIALS_DIRECTORY';
}

/**
 * An environment for another program: without `SECURESTORE_…` and `CREDENTIALS_DIRECTORY`, which hold secrets and
 * store URLs, or say where secrets lie.
 */
export function withoutOwn(env: Environment): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isOwn(name.toUpperCase())));
}
