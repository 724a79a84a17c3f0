/** A command of a script, as its words; values that only the shell knows stay as they are written. */
export type Words = readonly string[];

const KEYWORDS: ReadonlySet<string> = new Set([
  'if',
  'then',
  'elif',
  'else',
  'fi',
  'while',
  'until',
  'do',
  'done',
  '{',
  '}',
  '!',
  'time',
]);
const ASSIGNMENT = /^[A-Za-z_]\w*=/;
/** Such as `call() { curl -sS "$@"; }`. */
const FUNCTION = /^(\w+)\(\) *\{\s([^]*?)"\$@"; \}$/gm;

interface Reading {
  readonly script: string;
  at: number;
}

/** Reads to the parenthesis that closes a command substitution, whose commands are added. */
function substitution(reading: Reading, found: Words[]): void {
  let depth = 1;
  const from = reading.at;
  for (; reading.at < reading.script.length; reading.at += 1) {
    const character = reading.script[reading.at];
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (depth === 0) break;
  }
  found.push(...commandsOf(reading.script.slice(from, reading.at)));
  reading.at += 1;
}

/** Reads a quoted part, without its quotes. */
function quoted(reading: Reading, quote: string, found: Words[]): string {
  let text = '';
  while (reading.at < reading.script.length) {
    const character = reading.script[reading.at] ?? '';
    reading.at += 1;
    if (character === quote) return text;
    if (quote === '"' && character === '\\') {
      text += reading.script[reading.at] ?? '';
      reading.at += 1;
    } else if (quote === '"' && character === '$' && reading.script[reading.at] === '(') {
      reading.at += 1;
      substitution(reading, found);
      text += '$(…)';
    } else text += character;
  }
  throw new Error(`A quote is not closed: ${reading.script}`);
}

/** The words between operators, each with whether it is the target of a redirection. */
function commandsOf(script: string): Words[] {
  const found: Words[] = [];
  const reading: Reading = { script, at: 0 };
  let words: string[] = [];
  let word: string | undefined;
  let isTarget = false;
  const endWord = (): void => {
    if (word !== undefined && !isTarget) words.push(word);
    if (word !== undefined) isTarget = false;
    word = undefined;
  };
  const endCommand = (): void => {
    endWord();
    if (words.length > 0) found.push(words);
    words = [];
  };
  while (reading.at < script.length) {
    const character = script[reading.at] ?? '';
    const next = script[reading.at + 1];
    reading.at += 1;
    if (character === '\\' && next === '\n') reading.at += 1;
    else if (character === '\\') {
      word = (word ?? '') + (next ?? '');
      reading.at += 1;
    } else if (character === "'" || character === '"') word = (word ?? '') + quoted(reading, character, found);
    else if (character === '$' && next === '(') {
      reading.at += 1;
      substitution(reading, found);
      word = `${word ?? ''}$(…)`;
    } else if (character === '#' && word === undefined) {
      while (reading.at < script.length && script[reading.at] !== '\n') reading.at += 1;
    } else if (character === '>' || character === '<') {
      if (word !== undefined && /^\d$/.test(word)) word = undefined;
      endWord();
      while (/[<>&]/.test(script[reading.at] ?? '')) reading.at += 1;
      isTarget = true;
    } else if ('\n;|&()'.includes(character)) endCommand();
    else if (character === ' ') endWord();
    else word = (word ?? '') + character;
  }
  endCommand();
  return found;
}

/** A command without what is before its name: keywords of the shell, and assignments. */
function withoutPrefix(words: Words): Words {
  const first = words.findIndex((word) => !KEYWORDS.has(word) && !ASSIGNMENT.test(word));
  return first === -1 ? [] : words.slice(first);
}

/**
 * The commands of a script, those in substitutions included.
 *
 * @param functions those that the page has defined so far; those of the script are added
 */
export function commandsIn(script: string, functions: Map<string, Words> = new Map<string, Words>()): Words[] {
  const body = script.replaceAll(FUNCTION, (_, name: string, before: string) => {
    functions.set(name, commandsOf(before)[0] ?? []);
    return '';
  });
  return commandsOf(body)
    .map((words) => withoutPrefix(words))
    .map((words) => [...(functions.get(words[0] ?? '') ?? words.slice(0, 1)), ...words.slice(1)])
    .filter(({ length }) => length > 0);
}
