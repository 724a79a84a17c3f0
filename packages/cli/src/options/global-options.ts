import { type Command, Option } from 'commander';
import { renamed } from './old-spelling.ts';

/** The options that every verb takes, before or after its name. */
export interface GlobalOptions {
  readonly store?: string;
  readonly passphraseFile?: string;
  readonly passphraseCommand?: string;
  readonly keyFile?: string;
  readonly recoveryCodeFile?: string;
  readonly shareFile?: readonly string[];
  readonly identityFile?: string;
  readonly invitationFile?: string;
  readonly trustFirstUse?: boolean;
  readonly fingerprint?: string;
  readonly anchor?: boolean;
  readonly acceptRollback?: boolean;
  readonly token?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly json?: boolean;
  readonly yes?: boolean;
}

/** Gathers the values of an option that may be repeated. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Where help has the options of every command. */
export const COMMON_GROUP: string = 'Options of every command:';

/** Every command has the same ones: parsing keeps nothing in them. */
const GLOBAL_OPTIONS: readonly Option[] = [
  new Option(
    '-s, --store <url>',
    'the store URL, such as sqlite:./vault.db (default: $SECURESTORE_URL, else the configuration file, for which no secret is taken from the environment)',
  ),
  new Option('--passphrase-file <file>', 'a file that holds the passphrase'),
  new Option('--passphrase-command <command>', 'a command that writes the passphrase to stdout, run by the shell'),
  new Option('--key-file <file>', 'a key file that unlocks the store'),
  new Option('--recovery-code-file <file>', 'a file that holds the recovery code, or its kit'),
  new Option('--share-file <file>', 'a file that holds a share, or its kit; repeat it for each share').argParser(
    collect,
  ),
  new Option('--identity-file <file>', 'a file that holds your identity, created by securestore identity new'),
  new Option('--invitation-file <file>', 'an invitation: only the store that it names'),
  new Option('--fingerprint <fingerprint>', 'refuse every store except this one'),
  new Option('--trust-first-use', 'with an identity: trust a store that was never opened here before'),
  new Option(
    '--anchor',
    'remember the manifest of the store outside it, to detect an older one or another store (the default)',
  ),
  new Option('--no-anchor', 'neither check nor remember the manifest').default(undefined),
  ...renamed(
    new Option('--accept-rollback', 'accept the present state of the store once, after you have restored it yourself'),
    '--accept-head',
  ),
  new Option(
    '--token <token>',
    'your API token for a remote store (or $SECURESTORE_TOKEN, which fewer users of the machine can read)',
  ),
  new Option('--tls-cert <file>', 'your certificate for a remote store, instead of a token (or $SECURESTORE_TLS_CERT)'),
  new Option('--tls-key <file>', 'the private key of that certificate (or $SECURESTORE_TLS_KEY)'),
  new Option(
    '--tls-ca <file>',
    'the only authorities that the certificate of the server may be from (or $SECURESTORE_TLS_CA)',
  ),
  new Option('--json', 'JSON lines on stdout, errors as JSON lines on stderr'),
  new Option('-y, --yes', 'destroy without asking'),
];

/** Adds the options that every verb takes. They are on the program and on each verb, so either place will do. */
export function addGlobalOptions(command: Command): void {
  command.optionsGroup(COMMON_GROUP);
  // A verb may have one of its own under such a name, as `serve` has its certificate.
  const own = new Set(command.options.map(({ long }) => long));
  for (const option of GLOBAL_OPTIONS) if (!own.has(option.long)) command.addOption(option);
}
