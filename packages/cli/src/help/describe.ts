import { type Argument, type Command, type Option } from 'commander';
import { EXIT_CODES, type ExitCodeHelp } from '../options/exit-codes.ts';
import { ENVIRONMENT, type VariableHelp } from '../options/environment-help.ts';
import { pathOf } from '../call/call.ts';
import { COMMON_GROUP } from '../options/global-options.ts';
import { defaultOf, isRequired } from '../options/required.ts';
import { notesOf } from '../options/verb-notes.ts';

/** An option, as its help and programs that complete a command line know it. */
export interface OptionHelp {
  /** Such as `-o, --output <file>`. */
  readonly flags: string;
  readonly long: string;
  readonly short?: string;
  readonly description: string;
  /** The name of its value, such as `file`; absent if it takes none. */
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly repeatable: boolean;
  /** The default; absent if there is none. */
  readonly default?: string;
  /** Whether the command needs it. */
  readonly required: boolean;
}

/** An operand of a command. */
export interface OperandHelp {
  readonly name: string;
  readonly required: boolean;
  readonly variadic: boolean;
  readonly choices?: readonly string[];
}

/** A command, with everything that its help says. */
export interface CommandHelp {
  readonly name: string;
  readonly aliases: readonly string[];
  /** The topic under which the first help lists it. */
  readonly topic: string;
  readonly usage: string;
  readonly summary: string;
  readonly operands: readonly OperandHelp[];
  /** Its own options, without those of every command. */
  readonly options: readonly OptionHelp[];
  readonly notes: string;
  /** Lines for a POSIX shell. */
  readonly examples: readonly string[];
  readonly commands: readonly CommandHelp[];
}

/** The whole command line. */
export interface ProgramHelp {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly usage: string;
  /** The options that every command takes. */
  readonly options: readonly OptionHelp[];
  readonly exitCodes: readonly ExitCodeHelp[];
  readonly environment: readonly VariableHelp[];
  readonly commands: readonly CommandHelp[];
}

function describeOption(option: Option): OptionHelp {
  const { flags, description, argChoices, long, short } = option;
  const [, value] = /[<[]([^>\]]+)[>\]]/.exec(flags) ?? [];
  const fallback = defaultOf(option);
  return {
    flags,
    long: long ?? '',
    ...(short !== undefined && { short }),
    description,
    ...(value !== undefined && { value }),
    ...(argChoices !== undefined && { choices: argChoices }),
    repeatable: option.parseArg !== undefined && argChoices === undefined,
    ...(value !== undefined && fallback !== undefined && { default: fallback }),
    required: isRequired(option),
  };
}

function describeOperand(operand: Argument): OperandHelp {
  const { required, variadic, argChoices } = operand;
  return { name: operand.name(), required, variadic, ...(argChoices !== undefined && { choices: argChoices }) };
}

/** Options and commands that are shown: those that are kept for old spellings are not. */
export const isCommon = (option: Option): boolean => option.helpGroupHeading === COMMON_GROUP;

const isShown = (option: Option): boolean => !option.hidden && option.long !== '--help';

/** Everything that the help of a command says, as data. */
export function describeCommand(command: Command, topic = 'Help'): CommandHelp {
  const { notes = '', examples = [] } = notesOf(command);
  const heading = command.helpGroup();
  const own = heading === '' ? topic : heading.replace(/:$/, '');
  return {
    name: command.name(),
    aliases: command.aliases(),
    topic: own,
    usage: ['securestore', ...pathOf(command), command.usage()].join(' ').trim(),
    summary: command.summary(),
    operands: command.registeredArguments.map(describeOperand),
    options: command.options.filter((option) => isShown(option) && !isCommon(option)).map(describeOption),
    notes,
    examples,
    commands: visible(command).map((one) => describeCommand(one, own)),
  };
}

/** The commands of a command that help shows. */
export function visible(command: Command): Command[] {
  return command.createHelp().visibleCommands(command);
}

/** Everything that help says, as data. */
export function describeProgram(program: Command): ProgramHelp {
  return {
    name: program.name(),
    version: program.version() ?? '',
    summary: program.description(),
    usage: `securestore ${program.usage()}`,
    options: program.options.filter((option) => isShown(option) && isCommon(option)).map(describeOption),
    exitCodes: EXIT_CODES,
    environment: ENVIRONMENT,
    commands: visible(program).map((command) => describeCommand(command)),
  };
}
