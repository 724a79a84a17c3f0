import type { CommandHelp, OptionHelp, ProgramHelp } from './describe.ts';

/** A shell that a completion can be printed for. */
export type Shell = 'bash' | 'zsh' | 'fish';

/** The options after which a file or a folder comes. */
const isFile = ({ value = '' }: OptionHelp): boolean => /\b(?:file|folder|path)\b/.test(value);

/** Words in single quotes, as each of the three shells reads them. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** The words that can follow a command: commands, options, and the values of each option. */
interface Position {
  /** The words that lead there, such as `slot add`; none for the beginning. */
  readonly path: readonly string[];
  readonly commands: readonly CommandHelp[];
  /** Its own: those of every command follow everywhere. */
  readonly options: readonly OptionHelp[];
  /** The values of the first operand. */
  readonly choices: readonly string[];
}

function positions(program: ProgramHelp): Position[] {
  const of = ({ name, commands, options, operands }: CommandHelp, before: readonly string[]): Position[] => {
    const path = [...before, name];
    const own = { path, commands, options, choices: operands[0]?.choices ?? [] };
    return [own, ...commands.flatMap((command) => of(command, path))];
  };
  const first = { path: [], commands: program.commands, options: [], choices: [] };
  return [first, ...program.commands.flatMap((command) => of(command, []))];
}

const flagsOf = (options: readonly OptionHelp[]): string[] =>
  options.flatMap(({ long, short }) => (short === undefined ? [long] : [long, short]));

function bash(program: ProgramHelp): string {
  const all = positions(program);
  const cases = all.map(({ path, commands, choices, options: flags }) => {
    const words = [...commands.map(({ name }) => name), ...choices].join(' ');
    return `    ${quoted(path.join(' '))}) words=${quoted(words)} options=${quoted(flagsOf([...flags, ...program.options]).join(' '))} ;;`;
  });
  const options = uniqueOptions([...program.options, ...all.flatMap((position) => position.options)]);
  const chosen = options.flatMap(({ long, choices }) =>
    choices === undefined
      ? []
      : [`    ${long}) COMPREPLY=($(compgen -W ${quoted(choices.join(' '))} -- "$current")); return ;;`],
  );
  const files = flagsOf(options.filter(isFile));
  const valued = flagsOf(options.filter(({ value }) => value !== undefined));
  const paths = all.map(({ path }) => quoted(path.join(' '))).join('|');
  return `# bash completion for securestore; to load it: eval "$(securestore completion bash)"
_securestore() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} path= word next skip= words= options= at
  case $previous in
${chosen.join('\n')}
    ${files.join('|')}) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current")); return ;;
    ${valued.filter((one) => !files.includes(one)).join('|')}) return ;;
  esac
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    if [[ -n $skip ]]; then skip=; continue; fi
    case $word in
      ${valued.join('|')}) skip=1; continue ;;
      -*) continue ;;
    esac
    next=\${path:+$path }$word
    case $next in ${paths}) path=$next ;; esac
  done
  case $path in
${cases.join('\n')}
  esac
  [[ $current == -* ]] && words=$options
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ \${#COMPREPLY[@]} -eq 0 && -n $path ]]; then compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -F _securestore securestore
`;
}

function uniqueOptions(all: readonly OptionHelp[]): OptionHelp[] {
  return [...new Map(all.map((option) => [option.long, option])).values()];
}

/** A description in a specification of zsh: these characters mean something there. */
const zshText = (text: string): string => text.replaceAll(/[\\:[\]]/g, (character) => `\\${character}`);

function zshOption({ long, short, description, value, choices, repeatable }: OptionHelp): string[] {
  const takes = choices === undefined ? (isFile({ value } as OptionHelp) ? '_files' : '') : `(${choices.join(' ')})`;
  const argument = value === undefined ? '' : `:${zshText(value)}:${takes}`;
  return [long, short ?? []]
    .flat()
    .map((flag) => quoted(`${repeatable ? '*' : ''}${flag}[${zshText(description)}]${argument}`));
}

/** The function of zsh for a command. */
const functionOf = (path: readonly string[]): string => ['_securestore', ...path].join('_').replaceAll('-', '_');

function zsh(program: ProgramHelp): string {
  const functions = positions(program).map(({ path, commands, options, choices }) => {
    const specs = ['$_securestore_common', ...options.flatMap(zshOption)];
    if (commands.length === 0) {
      const operand = choices.length > 0 ? `1:action:(${choices.join(' ')})` : '*:file:_files';
      return `${functionOf(path)}() {\n  _arguments -s ${[...specs, quoted(operand)].join(' \\\n    ')}\n}`;
    }
    const listed = commands.map(({ name, summary }) => quoted(`${zshText(name)}:${zshText(summary)}`));
    const cases = commands.map(({ name }) => `        ${name}) ${functionOf([...path, name])} ;;`);
    return `${functionOf(path)}() {
  local line state
  _arguments -C -s ${specs.join(' \\\n    ')} \\
    '1:command:->command' '*::argument:->argument'
  case $state in
    command) local -a commands=(${listed.join(' ')}); _describe command commands ;;
    argument)
      case $line[1] in
${cases.join('\n')}
      esac ;;
  esac
}`;
  });
  return `#compdef securestore
# zsh completion for securestore; to load it: source <(securestore completion zsh)
typeset -ga _securestore_common=(
  ${program.options.flatMap(zshOption).join('\n  ')}
)

${functions.join('\n\n')}

compdef _securestore securestore
`;
}

const line = (condition: string, rest: string): string =>
  `complete -c securestore${condition === '' ? '' : ` -n ${quoted(condition)}`} ${rest}`;

function fish(program: ProgramHelp): string {
  const lines = positions(program).flatMap(({ path, commands, options, choices }) => {
    const names = commands.map(({ name }) => name).join(' ');
    const inside = path.length === 0 ? '' : path.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
    const open =
      names === '' ? inside : [inside, `not __fish_seen_subcommand_from ${names}`].filter(Boolean).join('; and ');
    const own = path.length === 0 ? program.options : options;
    return [
      ...commands.map(({ name, summary }) => line(open, `-f -a ${name} -d ${quoted(summary)}`)),
      ...choices.map((choice) => line(inside, `-f -a ${choice}`)),
      ...own.map(({ long, short, description, value, choices: values }) => {
        const takes = value === undefined ? '' : values === undefined ? ' -r' : ` -x -a ${quoted(values.join(' '))}`;
        const flag = short === undefined ? '' : ` -s ${short.slice(1)}`;
        return line(inside, `-l ${long.slice(2)}${flag}${takes} -d ${quoted(description)}`);
      }),
    ];
  });
  return `# fish completion for securestore; to load it: securestore completion fish | source
${lines.join('\n')}
`;
}

const SCRIPTS: Readonly<Record<Shell, (program: ProgramHelp) => string>> = { bash, zsh, fish };

/** The program by which a shell completes the command line. */
export function completionFor(shell: Shell, program: ProgramHelp): string {
  return SCRIPTS[shell](program);
}
