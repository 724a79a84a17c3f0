import { SecureStoreError } from '@securestore/core-format';
import type { NamedObject } from '@securestore/migrate';

/**
 * Variables by which a program finds or loads code. Whoever may store an object must not thereby choose what runs.
 */
const CODE_LOADING = new RegExp(
  `^(?:${[
    // Where programs and settings of every kind are found, and which programs others start.
    'PATH|HOME|SHELL|XDG_CONFIG_(?:HOME|DIRS)|EDITOR|VISUAL|PAGER|BROWSER|LESSOPEN|LESSCLOSE|(?:SSH|SUDO)_ASKPASS',
    // Shells.
    'IFS|ENV|PS4|ZDOTDIR|BASH_ENV|SHELLOPTS|BASHOPTS|PROMPT_COMMAND|(?:GNU)?MAKEFLAGS',
    // The loader and the libraries of the system.
    '(?:LD|DYLD)_.*|GCONV_PATH|LOCPATH|GLIBC_TUNABLES|OPENSSL_(?:CONF|MODULES|ENGINES)',
    // Languages.
    'NODE_(?:OPTIONS|PATH)|NPM_CONFIG_(?:SCRIPT_SHELL|SHELL|NODE_OPTIONS|USERCONFIG|GLOBALCONFIG|GIT|EDITOR)',
    'PYTHON(?:PATH|STARTUP|HOME|USERBASE|BREAKPOINT)|PERL(?:5LIB|LIB|5OPT|5DB)',
    'RUBY(?:LIB|OPT)|GEM_(?:HOME|PATH)|BUNDLE_GEMFILE|LUA_(?:INIT|PATH|CPATH)(?:_.*)?|PHPRC|PHP_INI_SCAN_DIR',
    'CLASSPATH|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|JAVA_TOOL_OPTIONS|DOTNET_STARTUP_HOOKS|COR(?:ECLR)?_PROFILER.*',
    'R_(?:PROFILE|ENVIRON)(?:_USER)?',
    // Git, which runs what its settings name.
    'GIT_(?:SSH|SSH_COMMAND|ASKPASS|EDITOR|SEQUENCE_EDITOR|PAGER|EXTERNAL_DIFF|EXEC_PATH|TEMPLATE_DIR)',
    'GIT_(?:PROXY_COMMAND|CONFIG(?:_.*)?)',
  ].join('|')})$`,
);

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
 * @throws `INVALID_ARGUMENT` where two objects would have one variable, or some would tell programs which code to load.
 */
export function variablesFor(objects: readonly NamedObject[]): Map<string, NamedObject> {
  const variables = new Map<string, NamedObject>();
  const refused: string[] = [];
  for (const object of objects) {
    const variable = variableName(object.name);
    const other = variables.get(variable);
    if (other !== undefined) {
      throw new SecureStoreError(
        'INVALID_ARGUMENT',
        `"${other.key}" and "${object.key}" would both be $${variable}; choose a narrower --prefix, or store one under another name`,
        { key: object.key },
      );
    }
    if (CODE_LOADING.test(variable)) refused.push(`"${object.key}" would be $${variable}`);
    variables.set(variable, object);
  }
  if (refused.length > 0) {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      `${refused.join(', ')}: by such variables programs find the code or the settings they run with; ` +
        'choose a --prefix without these objects, or store them under other names',
    );
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
