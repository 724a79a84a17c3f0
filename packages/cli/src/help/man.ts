import type { CommandHelp, OptionHelp, ProgramHelp } from './describe.ts';

/** Text as roff prints it: a line never begins with a control character, and hyphens stay hyphens. */
function roff(text: string): string {
  return text
    .replaceAll('\\', String.raw`\e`)
    .replaceAll('-', String.raw`\-`)
    .replaceAll(/^(?=[.'])/gm, String.raw`\&`);
}

const option = ({ flags, description }: OptionHelp): string => `.TP\n.B ${roff(flags)}\n${roff(description)}\n`;

/** Paragraphs; lines that begin with spaces stay as they are. */
function notesIn(notes: string): string {
  if (notes === '') return '';
  const lines = notes
    .split('\n')
    .map((line) => (line.startsWith(' ') ? `.br\n${roff(line)}` : line === '' ? '.PP' : roff(line)));
  return `.PP\n${lines.join('\n')}\n`;
}

function examplesIn(examples: readonly string[]): string {
  return examples.length === 0
    ? ''
    : `.PP\nExamples:\n.PP\n.nf\n${examples.map((line) => `    ${roff(line)}`).join('\n')}\n.fi\n`;
}

function command({ usage, summary, options, notes, examples, commands }: CommandHelp): string {
  return [
    `.SS ${roff(usage)}\n${roff(summary)}.\n`,
    options.map(option).join(''),
    notesIn(notes),
    examplesIn(examples),
    commands.map(command).join(''),
  ].join('');
}

/** The manual page of the command line, in roff. */
export function manualPage({
  name,
  version,
  summary,
  usage,
  options,
  commands,
  exitCodes,
  environment,
}: ProgramHelp): string {
  const codes = exitCodes.map(({ code, meaning, errors }) => {
    const which = errors.length === 0 ? '' : ` (${errors.join(', ')})`;
    return `.TP\n.B ${code}\n${roff(`${meaning}${which}`)}\n`;
  });
  const variables = environment.map((variable) => `.TP\n.B ${roff(variable.name)}\n${roff(variable.meaning)}\n`);
  return [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${version}"\n`,
    `.SH NAME\n${name} \\- ${roff(summary)}\n`,
    `.SH SYNOPSIS\n.B ${roff(usage)}\n`,
    `.SH COMMANDS\n${commands.map(command).join('')}`,
    `.SH OPTIONS OF EVERY COMMAND\n${options.map(option).join('')}`,
    `.SH ENVIRONMENT\n${variables.join('')}`,
    `.SH EXIT STATUS\n${codes.join('')}`,
  ].join('');
}
