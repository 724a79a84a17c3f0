import type { Command, Option } from 'commander';
import { pathOf } from '../call/call.ts';
import { describeProgram, isCommon, type ProgramHelp, visible } from './describe.ts';
import { DEFAULT_WIDTH, wrapTo } from '../terminal/terminal-text.ts';
import { SECRET_ORDER } from '../options/environment-help.ts';
import { defaultOf, isRequired } from '../options/required.ts';
import { notesOf } from '../options/verb-notes.ts';

/** The commands of the first hour, with what the first help says of them. */
const FIRST: readonly (readonly [name: string, summary: string])[] = [
  ['init', 'create a store'],
  ['put', 'store a secret or a file'],
  ['get', 'print it, or write it to a file'],
  ['ls', 'list the keys'],
  ['exec', 'run a program with secrets in its environment'],
  ['backup', 'back the store up to a destination'],
];

/** The operands of `help` that are not the name of a command. */
export const TOPICS = ['commands', 'options', 'environment', 'exit-codes'] as const;

/** A page of the help that is about no single command. */
export type Topic = (typeof TOPICS)[number];

const UNLOCKING =
  'An unlock secret is taken from an option, else from a variable (securestore help environment), else from a prompt on a terminal. ' +
  'It is never an argument: other users of the machine could read that.';

function table(
  rows: readonly (readonly [string, string])[],
  width: number,
  wrap: (text: string, width: number) => string,
): string {
  const first = Math.max(...rows.map(([term]) => term.length)) + 4;
  return rows
    .map(([term, text]) => {
      const lines = wrap(text, Math.max(width - first, 20)).split('\n');
      return `  ${term.padEnd(first - 2)}${lines.join(`\n${' '.repeat(first)}`)}`;
    })
    .join('\n');
}

/** The topics of the first help, each with the names of its commands. */
function topics({ commands }: ProgramHelp): (readonly [string, string])[] {
  const names = Map.groupBy(commands, ({ topic }) => topic);
  return [...names].map(([topic, ones]) => [topic, ones.map(({ name }) => name).join(' ')] as const);
}

/** The help that is printed if no command is given: the first commands, and how to find all others. */
export function firstHelp(program: Command, width: number = DEFAULT_WIDTH): string {
  const described = describeProgram(program);
  const wrap = wrapper(program);
  return [
    described.summary,
    '',
    `Usage: ${described.usage}`,
    '',
    'Start here:',
    table(FIRST, width, wrap),
    '',
    'Commands:',
    table(topics(described), width, wrap),
    '',
    'More:',
    table(
      [
        ['securestore help <command>', 'options and examples of a command'],
        ['securestore help commands', 'every command with its summary'],
        ['securestore help options', 'options of every command, such as unlock secrets'],
        ['securestore help exit-codes', 'the exit codes'],
      ],
      width,
      wrap,
    ),
  ].join('\n');
}

/** A page about no single command. */
export function topicHelp(topic: Topic, program: Command, width: number): string {
  const { commands, options, environment, exitCodes } = describeProgram(program);
  const wrap = wrapper(program);
  switch (topic) {
    case 'commands':
      return [...Map.groupBy(commands, (one) => one.topic)]
        .map(
          ([name, ones]) =>
            `${name}:\n${table(
              ones.map((one) => [one.name, one.summary]),
              width,
              wrap,
            )}`,
        )
        .join('\n\n');
    case 'options':
      return `Options of every command:\n${table(
        options.map(({ flags, description }) => [flags, description]),
        width,
        wrap,
      )}\n\n${wrap(UNLOCKING, width)}`;
    case 'environment':
      return `Environment:\n${table(
        environment.map(({ name, meaning }) => [name, meaning]),
        width,
        wrap,
      )}\n\n${wrap(SECRET_ORDER, width)}`;
    case 'exit-codes':
      return `Exit codes:\n${table(
        exitCodes.map(({ code, meaning, errors }) => [
          String(code),
          errors.length === 0 ? meaning : `${meaning} (${errors.join(', ')})`,
        ]),
        width,
        wrap,
      )}`;
    default:
      return topic satisfies never;
  }
}

const wrapper =
  (command: Command) =>
  (text: string, width: number): string =>
    command.createHelp().boxWrap(text, width);

/** The notes of a command, wrapped. */
function notesText(notes: string, width: number, wrap: (text: string, width: number) => string): string {
  return notes
    .split('\n\n')
    .map((paragraph) =>
      paragraph
        .split(/\n(?= )/)
        .map((piece) => (piece.startsWith(' ') ? hanging(piece, width) : wrap(piece.replaceAll('\n', ' '), width)))
        .join('\n'),
    )
    .join('\n\n');
}

/** A line such as `  term  what it means`, wrapped so that what it means stays in its column. */
function hanging(line: string, width: number): string {
  const [term = ''] = /^ +\S+ +/.exec(line) ?? [];
  return wrapTo(width - term.length, line.slice(term.length))
    .map((part, at) => `${at === 0 ? term : ' '.repeat(term.length)}${part}`)
    .join('\n');
}

/** The options of a command in their groups, those without one first. */
function optionsText(
  options: readonly Option[],
  width: number,
  wrap: (text: string, width: number) => string,
): string[] {
  const groups = Map.groupBy(options, ({ helpGroupHeading = 'Options:' }) => helpGroupHeading);
  return [...groups].map(([heading, ones]) => {
    const rows = ones.map((option) => [option.flags, descriptionOf(option)] as const);
    return `${heading}\n${table(rows, width, wrap)}`;
  });
}

/** How to see the options of the actions of a noun, if one has any. */
function actionOptions(actions: readonly Command[]): string[] {
  const first = actions.find(({ options }) => options.some((option) => !option.hidden && !isCommon(option)));
  return first === undefined ? [] : [`Options of an action: securestore help ${pathOf(first).join(' ')}`];
}

/** The help of one command: what it does, its own options, notes and examples. */
export function commandHelp(command: Command, width: number = DEFAULT_WIDTH): string {
  const { notes, examples = [] } = notesOf(command);
  const wrap = wrapper(command);
  const own = command.options.filter((option) => !option.hidden && !isCommon(option));
  const operands = command.registeredArguments.filter(({ description }) => description !== '');
  const actions = visible(command);
  const sections = [
    `Usage: ${['securestore', ...pathOf(command), command.usage()].join(' ')}`,
    wrap(`${command.summary().charAt(0).toUpperCase()}${command.summary().slice(1)}.`, width),
    ...(operands.length > 0
      ? [
          table(
            operands.map((one) => [one.name(), one.description]),
            width,
            wrap,
          ),
        ]
      : []),
    ...(actions.length > 0
      ? [
          `Actions:\n${table(
            actions.map((one) => [`${one.name()} ${one.usage()}`.replace(/\[options\] ?/, '').trim(), one.summary()]),
            width,
            wrap,
          )}`,
        ]
      : []),
    ...optionsText(own, width, wrap),
    ...(notes === undefined || notes === '' ? [] : [notesText(notes, width, wrap)]),
    ...(examples.length > 0 ? [`Examples:\n${examples.map((line) => `  ${line}`).join('\n')}`] : []),
    ...actionOptions(actions),
    'Options of every command: securestore help options',
  ];
  return sections.join('\n\n');
}

/** The description of an option, with its values, its default, and whether it is required. */
function descriptionOf(option: Option): string {
  const { description, argChoices } = option;
  const fallback = defaultOf(option);
  const isTold = fallback === undefined || /\bdefault\b/.test(description);
  return [
    description,
    ...(argChoices === undefined ? [] : [`(${argChoices.join(', ')})`]),
    ...(isTold ? [] : [`(default: ${fallback})`]),
    ...(isRequired(option) ? ['(required)'] : []),
  ].join(' ');
}
