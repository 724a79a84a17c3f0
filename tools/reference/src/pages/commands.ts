import { describeProgram } from '../../../../packages/cli/src/help/describe.ts';
import type { CommandHelp, OptionHelp, ProgramHelp } from '../../../../packages/cli/src/help/describe.ts';
import { createProgram } from '../../../../packages/cli/src/program.ts';
import { code, codes, fromPlain, list, page, section, sentence, table } from '../text/markdown.ts';

/** The whole command line, as `securestore help --json` prints it. */
export function programHelp(): ProgramHelp {
  const terminal = { isTTY: false, columns: 80 };
  // To describe the commands takes none of what running one does.
  return describeProgram(createProgram({ cli: { stdout: terminal, stderr: terminal }, args: [] } as never));
}

/** The commands that do something: of a noun its actions. */
export function commandsIn(commands: readonly CommandHelp[], nouns: readonly string[] = []): [string, CommandHelp][] {
  return commands.flatMap((command): [string, CommandHelp][] => {
    const path = [...nouns, command.name];
    return [[path.join(' '), command], ...commandsIn(command.commands, path)];
  });
}

/** What a description says of a default that has its own place here. */
const TOLD_DEFAULT = /\s*\((?:default: [^()]+|the default)\)/;

function optionLine({ flags, description, choices, default: fallback, required, repeatable }: OptionHelp): string {
  const facts = [
    ...(required ? ['required'] : []),
    ...(fallback === undefined
      ? []
      : [`default ${/^[\w.:-]+$/.test(fallback) ? code(fallback) : fromPlain(fallback)}`]),
    ...(choices === undefined ? [] : [`one of ${codes(choices)}`]),
    ...(repeatable && !/repeat/.test(description) ? ['may be repeated'] : []),
  ];
  const text = fallback === undefined ? description : description.replace(TOLD_DEFAULT, '');
  return `${code(flags)}: ${fromPlain(text)}${facts.length === 0 ? '' : ` (${facts.join('; ')})`}`;
}

/** The notes of a command: paragraphs, and what is indented as it is. */
function notesOf(notes: string): string[] {
  return notes.split('\n\n').flatMap((paragraph) =>
    paragraph
      .split(/\n(?= )|(?<=\n {2}[^\n]*)\n(?! )/)
      .reduce<string[]>((blocks, part) => {
        const last = blocks.at(-1);
        if (last?.startsWith(' ') === true && part.startsWith(' ')) blocks[blocks.length - 1] = `${last}\n${part}`;
        else blocks.push(part);
        return blocks;
      }, [])
      .map((part) => (part.startsWith(' ') ? `\`\`\`text\n${part.trimEnd()}\n\`\`\`` : fromPlain(part))),
  );
}

function commandSection([path, command]: readonly [string, CommandHelp]): string {
  const { usage, summary, operands, options, notes, examples, aliases, commands } = command;
  const chosen = operands.flatMap(({ name, choices }) =>
    choices === undefined ? [] : [`${code(name)} is one of ${codes(choices)}.`],
  );
  const actions = commands.map(({ name }) => `${path} ${name}`);
  return section(
    3,
    code(path),
    fromPlain(sentence(summary)),
    `\`\`\`text\n${usage}\n\`\`\``,
    actions.length === 0
      ? ''
      : `Actions: ${actions.map((one) => `[${code(one)}](#${one.replaceAll(' ', '-')})`).join(', ')}.`,
    aliases.length === 0
      ? ''
      : `Also: ${codes(aliases.map((alias) => [...path.split(' ').slice(0, -1), alias].join(' ')))}.`,
    chosen.join(' '),
    options.length === 0 ? '' : `Options:\n\n${list(options.map((option) => optionLine(option)))}`,
    ...notesOf(notes),
    examples.length === 0 ? '' : `\`\`\`sh\n${examples.join('\n')}\n\`\`\``,
  );
}

/** The page about the command line. */
export function commandsPage(): string {
  const { usage, options, exitCodes, commands } = programHelp();
  const all = commandsIn(commands);
  const topics = [...Map.groupBy(all, ([, { topic }]) => topic)];
  return page(
    'Commands',
    `All commands of \`securestore\`, with their options, exit codes and examples, for users of the command line. \`securestore help COMMAND\` prints the same text.`,
    [
      `\`\`\`text\n${usage}\n\`\`\``,
      section(
        2,
        'All commands',
        list(
          topics.map(
            ([topic, ones]) =>
              `${topic}: ${ones
                .filter(([path]) => !path.includes(' '))
                .map(([path]) => `[${code(path)}](#${path})`)
                .join(', ')}`,
          ),
        ),
      ),
      section(
        2,
        'Common options',
        'Every command takes these options, before or after its name. A command that has an option of its own with the same name, such as `--tls-cert` of `serve`, uses its own.',
        list(options.map((option) => optionLine(option))),
        'The [variables and the configuration file](configuration.md) replace some of them.',
      ),
      section(
        2,
        'Exit codes',
        'Exit codes keep their meaning in every release. [`exec`](#exec) exits with the code of its program.',
        table(
          ['Code', 'Meaning', 'Error codes'],
          exitCodes.map(({ code: number, meaning, errors }) => [
            String(number),
            meaning,
            errors.map((error) => `[${code(error)}](../errors.md#${error.toLowerCase()})`).join(', '),
          ]),
        ),
      ),
      ...topics.map(([topic, ones]) => section(2, `Commands: ${topic}`, ...ones.map((one) => commandSection(one)))),
    ],
  );
}
