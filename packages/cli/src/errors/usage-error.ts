import { similarTo } from '@securestore/backend-api';
import type { SecureStoreError } from '@securestore/core-format';
import type { CommanderError } from 'commander';
import type { OwnHint } from './hints.ts';
import { refusal, usageHint } from './refuse.ts';
import { insteadOf, isDestroying, optionSynonymOf, synonymOf, synonymsOf } from '../options/synonyms.ts';

/** The longest list of values that an error names, in characters. */
const MOST_CHOICES = 50;

const LIST_COMMANDS: OwnHint = { text: 'to list the commands', command: 'securestore help' };

const NO_COMMAND = 'no command is given';

/** The error if there is nothing to run. */
export function noCommand(): SecureStoreError {
  return refusal('INVALID_ARGUMENT', NO_COMMAND, { hints: [LIST_COMMANDS] });
}

/** The typed arguments, and the verb that was reached. */
interface Typed {
  readonly verb?: string | undefined;
  /** Hints for a wrong operand or option. */
  readonly usage?: OwnHint | undefined;
  readonly args: readonly string[];
}

/** The long name of an option as commander writes it, such as `-o, --output <file>`. */
function flagOf(option: string): string {
  return option.split(/[ ,]+/).find((word) => word.startsWith('--')) ?? option;
}

/** The sentences of commander that are worded otherwise here. */
const SENTENCES: readonly (readonly [theirs: RegExp, ours: (...groups: string[]) => string])[] = [
  // The arguments that are too many may be the words of a secret that was meant to be piped in.
  [
    /^too many arguments[^.]*\. Expected (\d+) arguments? but got (\d+)[^]*$/,
    (expected = '', got = '') => `too many arguments: expected ${expected}, got ${got}`,
  ],
  // The part after "=" may be a secret that was given to an option which does not exist.
  [/^unknown option '(--?[^'=]*)[^]*$/, (option = '') => `unknown option '${option}'`],
  [/^unknown command '([^']*)'[^]*$/, (command = '') => `unknown command '${command}'`],
  [/^option '([^']*)' argument missing\.?$/, (option = '') => `${flagOf(option)} needs a value`],
  [
    /^option '([^']*)' cannot be used with option '([^']*)'\.?$/,
    (one = '', other = '') => `${flagOf(one)} cannot be used with ${flagOf(other)}`,
  ],
  [
    /^option '([^']*)' argument '([^]*)' is invalid\. Allowed choices are (.*?)\.?$/,
    (option = '', value = '', choices = '') =>
      choices.length > MOST_CHOICES
        ? `unknown value of ${flagOf(option)}: '${value}'`
        : `${flagOf(option)} must be one of ${choices}, got '${value}'`,
  ],
  [
    /^command-argument value '([^]*)' is invalid for argument '([^']*)'\. Allowed choices are (.*?)\.?$/,
    (value = '', argument = '', choices = '') => `<${argument}> must be one of ${choices}, got '${value}'`,
  ],
];

/** A message of commander about a value that is none of those that an option or operand may have. */
const WRONG_CHOICE = /(?:argument|value) '([^']*)' is invalid[^.]*\. Allowed choices are (.*?)\.?$/;

/** The value that may be meant, and all of them if the headline does not list them. */
function choiceHints(message: string, headline: string): OwnHint[] {
  const [, given = '', list = ''] = WRONG_CHOICE.exec(message) ?? [];
  if (list === '') return [];
  const meant = similarTo(given, list.split(', '));
  return [
    ...(meant === undefined ? [] : [{ text: `did you mean ${meant}` }]),
    ...(headline.includes(list) ? [] : [{ text: `the values are ${list}` }]),
  ];
}

function inOurWords(sentence: string): string {
  for (const [theirs, ours] of SENTENCES) {
    const groups = theirs.exec(sentence);
    if (groups !== null) return ours(...groups.slice(1));
  }
  return sentence.replace(/\.$/, '');
}

/** A command or option of similar spelling, as commander found it, if it is close enough. Nothing that destroys is suggested for its spelling. */
function alikeIn(message: string, given: string): string[] {
  const [, list = ''] = /\n\(Did you mean (?:one of )?(.*)\?\)$/.exec(message) ?? [];
  const close = list.split(', ').filter((word) => similarTo(given, [word]) !== undefined);
  // Commander knows old spellings, too, which nothing shows.
  const now = close.map((word) => synonymOf(word) ?? word);
  return [...new Set(now)].filter((word) => word !== '' && !isDestroying(word));
}

function didYouMean(words: readonly string[], command: string): OwnHint[] {
  if (words.length === 0) return [];
  return [{ text: `did you mean ${words.length === 1 ? '' : 'one of '}${words.join(', ')}`, command }];
}

/** Suggestions for a command or an option that does not exist. */
function suggestions(message: string, headline: string, { verb }: Typed): OwnHint[] {
  const [, option] = /^unknown option '([^']*)'$/.exec(headline) ?? [];
  if (option !== undefined) {
    const instead = insteadOf(option);
    if (instead !== undefined) return [{ text: instead }];
    const synonym = optionSynonymOf(verb, option);
    const help = verb === undefined ? 'securestore help' : `securestore help ${verb}`;
    return didYouMean(synonym === undefined ? alikeIn(message, option) : [synonym], help);
  }
  const [, command] = /^unknown command '([^']*)'$/.exec(headline) ?? [];
  if (command === undefined) return [];
  const synonyms = synonymsOf(command);
  const alike = alikeIn(message, command);
  // `snapshot` may mean `backup`, for which it is a synonym, or `snapshots`, so both are named.
  const words = synonyms.length === 0 ? alike : [...synonyms, ...alike.filter((word) => word === `${command}s`)];
  const [first = ''] = words;
  if (words.length > 1) return didYouMean(words, 'securestore help');
  return didYouMean(words, first.startsWith('--') ? `securestore ${first}` : `securestore help ${first}`);
}

const A_STORE_URL = /^(?:(?:file|memory|sqlite):|\w+:\/\/)/;

/** For a command that takes no operand, if a store URL is among what was given. */
function storeHint(headline: string, { args }: Typed): OwnHint[] {
  const isMistaken = headline.startsWith('too many arguments') && headline.includes(': expected 0,');
  if (!isMistaken || !args.some((arg) => A_STORE_URL.test(arg))) return [];
  return [{ text: 'the store of this command is given by --store URL' }];
}

/** For one who gives keys of objects behind the destination, as with cp. */
function keyHint(headline: string, { verb }: Typed): OwnHint[] {
  if (verb !== 'restore' || !headline.startsWith('too many arguments')) return [];
  return [{ text: 'to restore single objects, give each by --key KEY' }];
}

/** An error of the arguments as one of ours: what is wrong, and how the command is used. */
export function usageError({ message }: CommanderError, typed: Typed): SecureStoreError {
  const whole = message.replace(/^error: /, '');
  const headline = inOurWords(whole);
  const help = typed.verb === undefined ? LIST_COMMANDS : usageHint(typed.verb);
  const own = typed.usage === undefined ? [] : [typed.usage];
  const hints = [
    ...own,
    ...suggestions(whole, headline, typed),
    ...choiceHints(whole, headline),
    ...storeHint(headline, typed),
    ...keyHint(headline, typed),
    help,
  ];
  return refusal('INVALID_ARGUMENT', headline, { operation: typed.verb, hints });
}
