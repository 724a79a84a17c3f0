import { SecureStoreError } from '@securestore/core-format';
import type { NamedObject } from './relative-name.ts';

/**
 * Variables by which a program finds or loads code. Whoever may store an object must not thereby choose what runs.
 */
const CODE_LOADING =
  /^(?:PATH|IFS|ENV|BASH_ENV|SHELLOPTS|PROMPT_COMMAND|NODE_OPTIONS|NODE_PATH|PYTHONPATH|PYTHONSTARTUP|PYTHONHOME|PERL5LIB|PERL5OPT|RUBYLIB|RUBYOPT|JAVA_TOOL_OPTIONS|CLASSPATH|GIT_SSH_COMMAND|(?:LD|DYLD)_.*)$/;

/**
 * The name of an environment variable for an object: its name relative to the prefix in upper case, every character
 * but ASCII letters and digits replaced by `_`, and a `_` before a leading digit.
 */
export function variableName(name: string): string {
  // Not toUpperCase of other scripts: "ß" would become "SS".
  const upper = name.replace(/[a-z]/g, (letter) => letter.toUpperCase()).replace(/[^A-Z0-9]/gu, '_');
  return /^\d/.test(upper) ? `_${upper}` : upper;
}

/**
 * The variable for each object.
 *
 * @throws `INVALID_ARGUMENT` where two objects would have one variable, or one would tell programs which code to load.
 */
export function variablesFor(objects: readonly NamedObject[]): Map<string, NamedObject> {
  const variables = new Map<string, NamedObject>();
  for (const object of objects) {
    const variable = variableName(object.name);
    const other = variables.get(variable);
    if (other !== undefined) {
      throw new SecureStoreError(
        'INVALID_ARGUMENT',
        `"${other.key}" and "${object.key}" would both be $${variable}; choose a narrower --prefix or rename one`,
        { key: object.key },
      );
    }
    if (CODE_LOADING.test(variable)) {
      throw new SecureStoreError(
        'INVALID_ARGUMENT',
        `"${object.key}" would be $${variable}, by which programs find the code they run; rename it`,
        { key: object.key },
      );
    }
    variables.set(variable, object);
  }
  return variables;
}

/**
 * The text of a variable. @throws `INVALID_ARGUMENT` where `data` holds NUL or is not UTF-8: no variable can be it.
 */
export function variableValue(key: string, data: Uint8Array): string {
  const refuse = (reason: string): never => {
    throw new SecureStoreError('INVALID_ARGUMENT', `"${key}" ${reason}, so it can be no environment variable`, { key });
  };
  if (data.includes(0)) return refuse('holds a NUL byte');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return refuse('is not UTF-8');
  }
}

/** The environment without what concerns this program alone: its secrets, and the location, which may hold some. */
export function withoutOwn(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.toUpperCase().startsWith('SECURESTORE_')));
}
