import { SecureStoreError } from '@securestore/core-format';

/**
 * Variables that are known to lead programs to code, settings or a proxy. Such a list is never complete: what keeps writers of
 * objects from choosing names is that names come from the command line. This one keeps a careless pattern from including these.
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
    'GIT_(?!.*(?:PASSWORD|TOKEN|SECRET)).*',
    // Proxies, authorities, and options of archivers.
    '(?:HTTPS?|ALL|FTP|NO)_PROXY|SSL_CERT_(?:FILE|DIR)|NODE_EXTRA_CA_CERTS|(?:CURL|REQUESTS)_CA_BUNDLE|CURL_HOME|WGETRC',
    'AWS_(?:ENDPOINT_URL.*|CONFIG_FILE|SHARED_CREDENTIALS_FILE|CA_BUNDLE)',
    'TAR_OPTIONS|GZIP|XZ_(?:OPT|DEFAULTS)|ZSTD_.*|RSYNC_RSH|CVS_RSH|SSH_AUTH_SOCK',
    // Ours: whoever opens another store in the command is not to be sent to a third.
    'SECURESTORE_.*|CREDENTIALS_DIRECTORY',
  ].join('|')})$`,
);

/** Whether a variable is known to lead programs to code, settings or a proxy; that others do not is not said. */
export function isKnownToSteer(variable: string): boolean {
  return CODE_LOADING.test(variable);
}

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
 * The text of a variable. @throws `INVALID_ARGUMENT` if `data` holds NUL or is not UTF-8: no variable can be it.
 */
export function variableValue(key: string, data: Uint8Array): string {
  const refuse = (reason: string): never => {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      `cannot make "${key}" an environment variable: its value ${reason}`,
      { key },
    );
  };
  if (data.includes(0)) return refuse('holds a NUL byte');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return refuse('is not UTF-8');
  }
}
