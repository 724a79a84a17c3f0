import { type Command, Option } from 'commander';
import type { Cli } from './cli-context.ts';
import { createOutput, type Output } from './output.ts';

/** The options that every verb takes, before or after its name. */
export interface GlobalOptions {
  readonly store?: string;
  readonly passphraseFile?: string;
  readonly keyFile?: string;
  readonly recoveryCodeFile?: string;
  readonly shareFile?: readonly string[];
  readonly identityFile?: string;
  readonly invitationFile?: string;
  readonly trustFirstUse?: boolean;
  readonly fingerprint?: string;
  readonly anchor?: boolean;
  readonly acceptHead?: boolean;
  readonly token?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly json?: boolean;
  readonly yes?: boolean;
}

/** One use of a verb: what it was given, and where it answers. */
export interface Call<O extends object = object> {
  readonly cli: Cli;
  readonly verb: string;
  /** Everything that follows the program's name. */
  readonly args: readonly string[];
  readonly options: O & GlobalOptions;
  readonly out: Output;
}

/** How a verb ends if it doesn't throw: an exit code other than 0. */
export type ExitCode = number | void;

/** The exit code of a command that finished while some of its items failed. */
export const SOME_FAILED = 8;

/** What {@link addVerb} needs of the run that it adds a verb to. */
export interface Run {
  readonly cli: Cli;
  /** Everything that follows the program's name. */
  readonly args: readonly string[];
  out: Output;
  /** Help or the version, as far as it was asked for. */
  printed: string;
  exitCode: number;
  /** The verb that was reached, for the report of an error. */
  verb?: string;
  /** The options that every verb takes, for the hints of an error. */
  options?: GlobalOptions;
  /** How to go on after an interrupt. */
  resume?: string;
}

/** A verb as the help shows it, and what it does. */
export interface Verb<O extends object, A extends readonly (string | string[] | undefined)[]> {
  /** The name and operands in the notation of commander, such as `put <key> [file]`. */
  readonly usage: string;
  /** What the help shows after the name, where the operands alone would not say it. */
  readonly shownUsage?: string;
  readonly summary: string;
  readonly options?: readonly Option[];
  /** Lines that follow the help. */
  readonly notes?: string;
  /** What to do after an interrupt, said in the error. */
  readonly resume?: string;
  /** Whether everything after the first operand belongs to that operand, as with a command to run. */
  readonly passThrough?: boolean;
  /** Loads what it does: only the verb that is used is. */
  readonly load: () => Promise<(call: Call<O>, ...operands: A) => Promise<ExitCode>>;
}

/** Gathers the values of an option that may be repeated. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

const COMMON_GROUP = 'Options of every command:';

function globalOptions(): Option[] {
  return [
    new Option(
      '-s, --store <location>',
      'the store, such as sqlite:./vault.db (otherwise $SECURESTORE_URL, then the configuration file)',
    ),
    new Option('--passphrase-file <file>', 'a file that holds the passphrase'),
    new Option('--key-file <file>', 'a key file that unlocks the store'),
    new Option('--recovery-code-file <file>', 'a file that holds the recovery code, or its kit'),
    new Option(
      '--share-file <file>',
      'a file that holds a share, or its kit; repeated for as many as are needed',
    ).argParser(collect),
    new Option('--identity-file <file>', 'a file that holds your identity, which securestore identity new makes'),
    new Option('--invitation-file <file>', 'an invitation: the store that it is to, and no other'),
    new Option('--fingerprint <fingerprint>', 'refuse any store but this one'),
    new Option('--trust-first-use', 'with an identity: take a store that nothing is known of yet for the right one'),
    new Option(
      '--anchor',
      'remember the head of the store outside it, to notice an older one or another store (the default)',
    ),
    new Option('--no-anchor', 'neither check nor remember it').default(undefined),
    new Option('--accept-head', 'take the state that the store has now as the right one, after a known restore'),
    new Option(
      '--token <token>',
      'who asks, for a store that a server serves (otherwise $SECURESTORE_TOKEN, which shows to fewer)',
    ),
    new Option(
      '--tls-cert <file>',
      'a certificate that says who asks, in the place of a token (or $SECURESTORE_TLS_CERT)',
    ),
    new Option('--tls-key <file>', 'the key of that certificate (or $SECURESTORE_TLS_KEY)'),
    new Option('--tls-ca <file>', 'the authorities that vouch for the server, and no others (or $SECURESTORE_TLS_CA)'),
    new Option('--json', 'JSON lines on stdout, errors as JSON lines on stderr'),
    new Option('-y, --yes', 'do what destroys without asking'),
  ];
}

/** Adds the options that every verb takes. They are on the program and on each verb, so either place will do. */
export function addGlobalOptions(command: Command): void {
  command.optionsGroup(COMMON_GROUP);
  // A verb may have one of its own under such a name, as `serve` has its certificate.
  const own = new Set(command.options.map(({ long }) => long));
  for (const option of globalOptions()) if (!own.has(option.long)) command.addOption(option);
}

function definedOptions(command: Command): object {
  return Object.fromEntries(Object.entries(command.opts()).filter(([, value]) => value !== undefined));
}

/** Adds a verb to the program. */
export function addVerb<O extends object, A extends readonly (string | string[] | undefined)[]>(
  program: Command,
  run: Run,
  verb: Verb<O, A>,
): void {
  const command = program.command(verb.usage).summary(verb.summary).description(verb.summary);
  command.addHelpOption(new Option('-h, --help', 'print this help').helpGroup(COMMON_GROUP));
  if (verb.shownUsage !== undefined) command.usage(verb.shownUsage);
  command.exitOverride((error) => {
    run.verb = command.name();
    throw error;
  });
  for (const option of verb.options ?? []) command.addOption(option);
  addGlobalOptions(command);
  if (verb.passThrough === true) command.passThroughOptions();
  if (verb.notes !== undefined) command.addHelpText('after', `\n${verb.notes}`);
  command.action(async () => {
    run.verb = command.name();
    if (verb.resume !== undefined) run.resume = verb.resume;
    // Commander has checked operands and options against the declaration beside which O and A are written.
    const options = { ...definedOptions(program), ...definedOptions(command) } as O & GlobalOptions;
    run.options = options;
    const operands = command.processedArgs as unknown as A;
    // Unlike the guess made before the arguments were parsed, this knows what belongs to a command to run.
    const json = options.json === true;
    if (json !== run.out.json) run.out = createOutput(run.cli, json, () => run);
    const perform = await verb.load();
    const call = { cli: run.cli, verb: command.name(), args: run.args, options, out: run.out };
    const exitCode = await perform(call, ...operands);
    run.exitCode = exitCode ?? 0;
  });
}
