import { SecureStoreError } from '@securestore/core-format';
import { type Command, CommanderError, Option } from 'commander';
import type { Cli } from '../terminal/cli-context.ts';
import { addGlobalOptions, COMMON_GROUP, type GlobalOptions } from '../options/global-options.ts';
import type { OwnHint } from '../errors/hints.ts';
import { createOutput, type Output } from './output.ts';
import { actionHints, ownHintsOf, withHints, wrongAction } from '../errors/refuse.ts';
import { setNotes } from '../options/verb-notes.ts';

/** One use of a verb: what it was given, and where it answers. */
export interface Call<O extends object = object> {
  readonly cli: Cli;
  readonly verb: string;
  /** Everything that follows the program's name. */
  readonly args: readonly string[];
  readonly options: O & GlobalOptions;
  readonly out: Output;
  /** Says by which options the store can be opened from now on: the hints of an error then repeat those. */
  readonly openedBy: (options: GlobalOptions) => void;
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
  /** What helps with an operand or an option that is wrong. */
  usage?: OwnHint | undefined;
  /** How to go on after an interrupt. */
  resume?: readonly OwnHint[];
}

/** What the help says of a verb or a noun. */
interface Described {
  /** Old or other spellings, which no help shows. */
  readonly aliases?: readonly string[];
  /** What the help shows after the name, if the operands alone would not say it. */
  readonly shownUsage?: string;
  readonly summary: string;
  /** Paragraphs that follow the options in the help. */
  readonly notes?: string;
  /** One or two commands for a POSIX shell. Words in capitals, such as `ID`, are for the reader to replace. */
  readonly examples: readonly [string] | readonly [string, string];
}

/** A noun as the help shows it. */
export interface Noun extends Omit<Described, 'shownUsage'> {
  /** In the singular, such as `token`. */
  readonly name: string;
}

/** A verb, or an action of a noun, as the help shows it, and what it does. */
export interface Verb<O extends object, A extends readonly (string | string[] | undefined)[]> extends Described {
  /** The name and operands in the notation of commander, such as `put <key> [file]`. */
  readonly usage: string;
  /** Whether a noun without an action means this one. */
  readonly isDefault?: boolean;
  /** What the first operand may be, if that is one of a few words. */
  readonly choices?: readonly string[];
  readonly options?: readonly Option[];
  /** The hint if an operand is missing, or names nothing that exists: how to list what it may be. */
  readonly whenMissing?: OwnHint;
  /** What to do after an interrupt: hints that follow the error. */
  readonly resume?: (...operands: A) => readonly OwnHint[];
  /** Whether everything after the first operand belongs to that operand, as with a command to run. */
  readonly passThrough?: boolean;
  /** Loads what it does: only the verb that is used is. */
  readonly load: () => Promise<(call: Call<O>, ...operands: A) => Promise<ExitCode>>;
}

/** The names of a command, below that of the program: `token revoke`. */
export function pathOf(command: Command): string[] {
  return command.parent === null ? [] : [...pathOf(command.parent), command.name()];
}

/** The options of a command and of those above it: each may stand before or after its name. */
function definedOptions(command: Command): object {
  const own = Object.entries(command.opts()).filter(([, value]) => value !== undefined);
  return { ...(command.parent === null ? {} : definedOptions(command.parent)), ...Object.fromEntries(own) };
}

/** Commands that are about all others. */
const ABOUT_ALL: readonly string[] = ['help', 'completion', 'man'];

/**
 * Whether the arguments can reach a command: each name on its path, or an alias, must be among them. Only then are its options
 * declared. To declare those of every command takes as long as opening a store.
 */
function canBeReached(command: Command, { args }: Run): boolean {
  if (args.length === 0 || ABOUT_ALL.some((name) => args.includes(name))) return true;
  // An action is described with its siblings, for the hints, and may be meant without its name.
  const verb = command.parent?.parent ? command.parent : command;
  return [verb.name(), ...verb.aliases()].some((name) => args.includes(name));
}

/** Adds a verb to the program, or an action to a noun. */
export function addVerb<O extends object, A extends readonly (string | string[] | undefined)[]>(
  parent: Command,
  run: Run,
  verb: Verb<O, A>,
): void {
  const command = parent.command(verb.usage, { isDefault: verb.isDefault === true });
  if (verb.isDefault === true) DEFAULTS.add(command);
  command.summary(verb.summary).description(verb.summary);
  const name = pathOf(command).join(' ');
  prepare(command, run, verb);
  if (verb.whenMissing !== undefined) WHEN_MISSING.set(command, verb.whenMissing);
  if (verb.choices !== undefined) command.registeredArguments[0]?.choices(verb.choices);
  if (canBeReached(command, run)) {
    for (const option of verb.options ?? []) command.addOption(option);
    addGlobalOptions(command);
  }
  if (verb.passThrough === true) command.passThroughOptions();
  command.action(async () => {
    run.verb = name;
    // Commander has checked operands and options against the declaration beside which O and A are written.
    const options = definedOptions(command) as O & GlobalOptions;
    run.options = options;
    const operands = command.processedArgs as unknown as A;
    if (verb.resume !== undefined) run.resume = verb.resume(...operands);
    // Unlike the guess made before the arguments were parsed, this knows what belongs to a command to run.
    const json = options.json === true;
    if (json !== run.out.json) run.out = createOutput(run.cli, json, () => run);
    const perform = await verb.load();
    const openedBy = (now: GlobalOptions): void => void (run.options = now);
    const call = { cli: run.cli, verb: name, args: run.args, options, out: run.out, openedBy };
    const exitCode = await perform(call, ...operands).catch((error: unknown) => {
      throw operands.some((one) => one !== undefined) ? withList(error, verb.whenMissing) : error;
    });
    run.exitCode = exitCode ?? 0;
  });
}

/** An error about an operand that does not exist, with how to list those that do if it says nothing else. */
function withList(error: unknown, list: OwnHint | undefined): unknown {
  if (list === undefined || !SecureStoreError.is(error, 'NOT_FOUND')) return error;
  return (error.advice?.length ?? 0) + ownHintsOf(error).length > 0 ? error : withHints(error, list);
}

/** The actions that their nouns mean without any. */
const DEFAULTS = new WeakSet<Command>();
/** The hint of each command that needs an operand, if it has one. */
const WHEN_MISSING = new WeakMap<Command, OwnHint>();

/** What helps with an operand that is missing, or with an option that another action of the same noun has. */
function usageOf(command: Command, { code, message }: CommanderError): OwnHint | undefined {
  if (code === 'commander.missingArgument') return WHEN_MISSING.get(command);
  const [, flag] = /^error: unknown option '([^'=]*)/.exec(message) ?? [];
  const { parent } = command;
  if (flag === undefined || parent === null || parent.parent === null) return undefined;
  const owner = parent.commands.find((one) => one.options.some(({ long, short }) => long === flag || short === flag));
  if (owner === undefined) return undefined;
  const path = pathOf(owner).join(' ');
  return { text: `${flag} belongs to ${path}`, command: `securestore help ${path}` };
}

/** What the help of a verb and of a noun have in common. */
function prepare(command: Command, run: Run, described: Described): void {
  const { aliases = [], shownUsage, notes, examples } = described;
  command.aliases(aliases);
  command.addHelpOption(new Option('-h, --help', 'print this help').helpGroup(COMMON_GROUP));
  if (shownUsage !== undefined) command.usage(shownUsage);
  command.exitOverride((error) => {
    run.verb = pathOf(command).join(' ');
    // As far as they were parsed: hints are for the same store.
    run.options = definedOptions(command);
    run.usage = usageOf(command, error);
    throw error;
  });
  setNotes(command, { notes, examples });
}

/**
 * Adds a noun: what a store has, with what can be done to it. Without an action it is listed, or shown if there is only one.
 *
 * @param addActions adds the actions to the noun
 */
export function addNoun(program: Command, run: Run, noun: Noun, addActions: (noun: Command) => void): void {
  const command = program.command(noun.name).summary(noun.summary).description(noun.summary).helpCommand(false);
  prepare(command, run, { ...noun, shownUsage: '<action> [options]' });
  if (canBeReached(command, run)) addGlobalOptions(command);
  addActions(command);
  const isListed = command.commands.some((one) => one.name() === 'list' || one.aliases().includes('list'));
  for (const action of command.commands) {
    // A noun that has only one thing to show is listed by showing it.
    if (!isListed && DEFAULTS.has(action)) action.alias('list');
    const spellings = [action.name(), ...action.aliases()];
    // Commander takes what is no action for an operand of the one that is meant without any.
    action.exitOverride((error) => {
      run.verb = pathOf(action).join(' ');
      run.options = definedOptions(action);
      run.usage = usageOf(action, error);
      const [given] = action.args;
      const isNamed = spellings.some((spelling) => run.args.includes(spelling));
      if (error.code !== 'commander.excessArguments' || isNamed || given === undefined) throw error;
      run.verb = noun.name;
      const names = command.commands.map((one) => one.name());
      [run.usage] = actionHints(noun.name, names, given);
      throw new CommanderError(2, 'commander.unknownCommand', wrongAction(noun.name, names));
    });
  }
}
