import { redactStoreUrl } from '@securestore/backend-api';
import type { Command } from '@securestore/protocol';
import { shellCommand, shellWords } from '@securestore/protocol';
import type { GlobalOptions } from '../options/global-options.ts';

/** The command that failed, as far as it was parsed. */
export interface HintContext {
  /** The verb that was reached. */
  readonly verb?: string | undefined;
  /** Everything that follows the program's name. */
  readonly args: readonly string[];
  /** The options that were given, as far as they have been parsed. */
  readonly options?: Partial<GlobalOptions> | undefined;
}

/** A next step for a person, and the command that does it, ready to be pasted. */
export interface Hint {
  readonly text: string;
  readonly command?: string;
}

type Options = NonNullable<Command['options']>;

/** Advice of a command itself, in addition to that of the library. */
export interface OwnHint {
  /** The step; with a command its purpose. */
  readonly text: string;
  /** A command on the same store, as its operands: what names and opens the store is added. */
  readonly on?: readonly string[];
  /** The options of that command. */
  readonly options?: Options;
  /** A whole line to paste instead. */
  readonly command?: string;
  /** Whether it is the command that failed, once more. */
  readonly again?: boolean;
}

/** The options of every command that say which store is meant and what opens it. A token is left out: hints may be kept in logs. */
function carried(options: Partial<GlobalOptions> = {}): Options {
  return {
    store: options.store,
    'passphrase-file': options.passphraseFile,
    // Its words may be a secret, which a log would keep.
    'passphrase-command': options.passphraseCommand && 'COMMAND',
    'key-file': options.keyFile,
    'recovery-code-file': options.recoveryCodeFile,
    'share-file': options.shareFile,
    'identity-file': options.identityFile,
    'invitation-file': options.invitationFile,
    fingerprint: options.fingerprint,
    'no-anchor': options.anchor === false,
    'tls-cert': options.tlsCert,
    'tls-key': options.tlsKey,
    'tls-ca': options.tlsCa,
  };
}

/** A store URL that may hold credentials, anywhere in a word: a user before a host, or settings in a query. */
const WITH_CREDENTIALS = /[a-z][a-z0-9+-]{0,31}:(?:\/\/[^]*@|[^]*[?&#;][^=]*=)/i;

/** Whether a word of a command, also an option with its value, may hold credentials of a store URL. */
function hasCredentials(word: string): boolean {
  if (WITH_CREDENTIALS.test(word)) return true;
  const [, url = ''] = /^(?:--[a-z-]+=)?([a-z][a-z0-9+-]{0,31}:[^]*)$/.exec(word) ?? [];
  return url !== '' && redactStoreUrl(url) !== url;
}

/** Options whose values may hold a secret. */
const PRIVATE = /^--(?:token|meta|webhook|ping|operation|before|after|exec|(?:new-)?passphrase-command)(?:=|$)/;

/** Decisions of a person for one store, which a hint carries to no other; and combined short options, which may hide these. */
const DECIDED = /^(?:--(?:accept-rollback|accept-head|trust-first-use|yes)$|-[a-z]*y|-[a-z]*s.|-[a-z]+s$)/i;

const isStore = (arg: string): boolean => arg === '--store' || arg === '-s';

/** Commands whose operand may be the URL of the store. */
const NAMES_STORE: ReadonlySet<string> = new Set(['', 'init', 'migrate', 'verify']);

/** A word of a command as a log may keep it: a store URL with credentials is for the person to write again. */
function shown(word: string): string {
  return hasCredentials(word) ? 'URL' : word;
}

/** The commands of hints: the person's own words, quoted for a shell, on the store that they named. */
export class Commands {
  readonly #context: HintContext;

  constructor(context: HintContext) {
    this.#context = context;
  }

  get store(): string | undefined {
    const store = this.#context.options?.store;
    return store === undefined ? undefined : shown(store);
  }

  /** The store URL that was given, with the scheme of `form`, such as `file:…`; `undefined` if another URL may be meant. */
  storeAs(form: string): string | undefined {
    const { args, options } = this.#context;
    const [, scheme] = /^(file|sqlite):…$/.exec(form) ?? [];
    const [, rest] = /^(?:file|sqlite):(.+)$/.exec(options?.store ?? '') ?? [];
    const urls = args.filter((arg) => /^[a-z][a-z0-9+-]*:./.test(arg) || arg.startsWith('--store='));
    return scheme === undefined || rest === undefined || urls.length !== 1 ? undefined : shown(`${scheme}:${rest}`);
  }

  /** The verb of the command that failed. */
  get verb(): string | undefined {
    return this.#context.verb;
  }

  /** A command on the store of the one that failed. Words in capitals are for the person to replace. */
  on(operands: readonly string[], options: Options = {}): string {
    return this.#line(operands, { ...options, ...this.#carried() });
  }

  /** A command that names its store itself. */
  elsewhere(operands: readonly string[], options: Options = {}): string {
    const { store } = options;
    return this.#line(operands, {
      ...options,
      ...this.#carried(),
      store: typeof store === 'string' ? shown(store) : store,
    });
  }

  #carried(): Options {
    return { ...carried(this.#context.options), store: this.store };
  }

  #line(operands: readonly string[], options: Options): string {
    return shellCommand({ operands: operands.map(shown), options });
  }

  /** The command that failed once more, on a store elsewhere; `undefined` if it may hold a secret, or names its store by an operand. */
  againAt(store: string): string | undefined {
    const { args, verb = '' } = this.#context;
    if (verb === 'migrate' && args.includes('--finalize'))
      return this.elsewhere(['migrate', store], { finalize: true });
    if (NAMES_STORE.has(verb) || this.again() === undefined || args.some((arg) => DECIDED.test(arg))) return undefined;
    const rest = args.filter((arg, at) => !isStore(arg) && !isStore(args[at - 1] ?? '') && !arg.startsWith('--store='));
    return shellWords(['securestore', '--store', shown(store), ...rest]);
  }

  /** The command that failed once more, with one option more; `undefined` if its arguments may hold a secret, which a log would keep. */
  again(option?: string): string | undefined {
    const { args, verb } = this.#context;
    const isPrivate =
      verb === 'exec' || verb === 'meta set' || args.some((arg) => PRIVATE.test(arg) || hasCredentials(arg));
    return isPrivate ? undefined : shellWords(['securestore', ...(option === undefined ? [] : [option]), ...args]);
  }
}

/** The same command once more, if it may be shown. */
export function same(text: string, command: string | undefined): Hint {
  return command === undefined ? { text: `${text} with the same command` } : { text, command };
}

/** A hint as a line: the command last, so that it can be selected to its end. */
export function hintText({ text, command }: Hint): string {
  return command === undefined ? text : `${text}: ${command}`;
}
