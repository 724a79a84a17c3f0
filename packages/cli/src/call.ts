import { type Command, Option } from 'commander';
import type { Cli } from './cli-context.ts';
import { addGlobalOptions, COMMON_GROUP, type GlobalOptions } from './global-options.ts';
import { createOutput, type Output } from './output.ts';
import { setNotes } from './verb-notes.ts';

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
  /** What the first operand may be, if that is one of a few words. */
  readonly choices?: readonly string[];
  readonly options?: readonly Option[];
  /** Paragraphs that follow the options in the help; at their end may be examples, as lines after `Examples:`. */
  readonly notes?: string;
  /** What to do after an interrupt, said in the error. */
  readonly resume?: string;
  /** Whether everything after the first operand belongs to that operand, as with a command to run. */
  readonly passThrough?: boolean;
  /** Loads what it does: only the verb that is used is. */
  readonly load: () => Promise<(call: Call<O>, ...operands: A) => Promise<ExitCode>>;
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
  if (verb.choices !== undefined) command.registeredArguments[0]?.choices(verb.choices);
  for (const option of verb.options ?? []) command.addOption(option);
  addGlobalOptions(command);
  if (verb.passThrough === true) command.passThroughOptions();
  const [notes = '', examples] = (verb.notes ?? '').split(/(?:\n\n|^)Examples:\n/);
  setNotes(command, { notes, examples: examples?.split('\n').map((line) => line.trim()) });
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
