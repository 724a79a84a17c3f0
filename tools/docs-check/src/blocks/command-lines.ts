import { createProgram } from '../../../../packages/cli/src/program.ts';
import type { Words } from './shell-words.ts';

type Program = ReturnType<typeof createProgram>;

/** Has the commands of the command line do nothing. */
function disarm(command: Program): void {
  if (command.commands.length === 0) command.action(() => {});
  for (const one of command.commands) disarm(one);
}

/** The command line, which parses and does nothing else. */
function parser(): Program {
  const terminal = { isTTY: false, columns: 80 };
  const program = createProgram({ cli: { stdout: terminal, stderr: terminal }, args: [], printed: '' } as never);
  disarm(program);
  return program;
}

/** One for all: a program forgets with each `parse` what the one before has found, and takes a while to make. */
const PROGRAM = parser();
const NAMES: ReadonlySet<string> = new Set(
  PROGRAM.commands.flatMap((command) => [command.name(), ...command.aliases()]),
);
const isSecurestore = (word: string): boolean => /(?:^|\/)securestore$/.test(word);

/** What follows `securestore` in a command, also if another program runs it; `undefined` if nothing does. */
export function argumentsIn(words: Words): Words | undefined {
  const at = words.findIndex(
    (word, index) => isSecurestore(word) && (index === 0 || NAMES.has(words[index + 1] ?? '')),
  );
  return at === -1 ? undefined : words.slice(at + 1);
}

/** Spellings that the command line takes for those who know an old one, and that pages do not show. */
function oldSpellingsIn(args: Words): string[] {
  const end = args.indexOf('--');
  const given = (end === -1 ? args : args.slice(0, end)).map((word) => word.replace(/=.*$/, ''));
  const command = PROGRAM.commands.find((one) => one.name() === given[0]);
  if (command === undefined) return given.slice(0, 1).filter((word) => NAMES.has(word));
  const action = command.commands.find((one) => one.name() === given[1] || one.aliases().includes(given[1] ?? ''));
  const hidden = [command, ...(action === undefined ? [] : [action])].flatMap(({ options }) =>
    options.flatMap(({ hidden: isHidden, long }) => (isHidden && typeof long === 'string' ? [long] : [])),
  );
  const shown = new Set(
    [command, ...(action === undefined ? [] : [action])].flatMap(({ options }) =>
      options.filter(({ hidden: isHidden }) => !isHidden).map(({ long }) => long),
    ),
  );
  return given.filter((word) => hidden.includes(word) && !shown.has(word));
}

/** What is wrong with the arguments of a command of securestore; `undefined` if they parse. */
export function mistakeInArguments(args: Words): string | undefined {
  try {
    PROGRAM.parse([...args], { from: 'user' });
  } catch (error) {
    const { exitCode, message } = error as Error & { readonly exitCode?: number };
    if (exitCode !== 0) return message;
  }
  const [old] = oldSpellingsIn(args);
  return old === undefined ? undefined : `${old} is an old spelling`;
}
