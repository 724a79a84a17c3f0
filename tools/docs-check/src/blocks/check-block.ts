import { PROBLEM } from '../../../../packages/server/src/request/schemas.ts';
import { argumentsIn, mistakeInArguments } from './command-lines.ts';
import type { Block } from './page-blocks.ts';
import { mistakeInProblem, mistakeInRequest, requestIn, requestOf } from './requests.ts';
import { commandsIn } from './shell-words.ts';
import type { Words } from './shell-words.ts';

/** How an example is checked, or why it is not. */
export type Check =
  | { readonly kind: 'run' | 'output' | 'file' | 'compiled' | 'parsed' | 'drawing' | 'generated' }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'wrong'; readonly mistake: string };

/** What the check of a block knows beside its text. */
export interface Known {
  /** Whether a package can be installed by this name. */
  readonly isPackage: (name: string) => boolean;
  /** The functions that the page has defined so far. */
  readonly functions: Map<string, Words>;
  /** Pages whose files, blocks that begin with a comment with a path, a test writes and runs. */
  readonly pagesWithFiles: ReadonlySet<string>;
  /** Whether the page is written from the sources. */
  readonly isGenerated: boolean;
}

const wrong = (mistake: string): Check => ({ kind: 'wrong', mistake });

/** Commands of the shell that mean nothing without others. */
const HARMLESS: ReadonlySet<string> = new Set(['export', 'eval', 'printf', 'mkdir', 'cd', 'cat', 'man']);

/** What is wrong with a command, in a block that nothing runs. */
function mistakeInCommand(words: Words, { isPackage }: Known, isSkipped: boolean): string | undefined {
  const args = argumentsIn(words);
  if (args !== undefined) return mistakeInArguments(args);
  const [program = ''] = words;
  if (program === 'curl') {
    const request = requestOf(words);
    if (isSkipped && !/^\/(?:v1\/|healthz|readyz|metrics|openapi)/.test(request.path)) return undefined;
    return mistakeInRequest(request);
  }
  if (program === 'npm' && words[1] === 'install') {
    const unknown = words.slice(2).find((word) => !word.startsWith('-') && !isPackage(word));
    return unknown === undefined || isSkipped ? undefined : `there is no package ${unknown}`;
  }
  return isSkipped || HARMLESS.has(program) ? undefined : `"${program}" is not checked: the block needs a reason`;
}

function mistakeInScript(script: string, known: Known, isSkipped: boolean): string | undefined {
  for (const words of commandsIn(script, known.functions)) {
    const mistake = mistakeInCommand(words, known, isSkipped);
    if (mistake !== undefined) return `${words.slice(0, 4).join(' ')}: ${mistake}`;
  }
  return undefined;
}

function mistakeInJson(language: string, text: string): string | undefined {
  const values = (language === 'jsonl' ? text.trim().split('\n') : [text]).map((one): unknown => JSON.parse(one));
  const [first] = values;
  const isProblem = typeof first === 'object' && first !== null && 'requestId' in first && 'status' in first;
  return isProblem ? mistakeInProblem(PROBLEM, first) : undefined;
}

/** What is wrong with a file of settings, each in a line, such as a unit of systemd. */
function mistakeInSettings(text: string, known: Known): string | undefined {
  for (const line of text.replaceAll('\\\n', ' ').trim().split('\n')) {
    if (!/^(?:\[\w+\]|\w+=.*|#.*|)$/.test(line)) return `${line}: neither a section nor a setting`;
    const [, command] = /^ExecStart=(.*)$/.exec(line) ?? [];
    const mistake = command === undefined ? undefined : mistakeInScript(command, known, false);
    if (mistake !== undefined) return mistake;
  }
  return undefined;
}

/** The commands of a workflow, each after `run:`. */
const scriptOf = (workflow: string): string =>
  [...workflow.matchAll(/\brun: (.*)$/gm)].map(([, command]) => command).join('\n');

/** Old spellings in the commands of a script that runs; what else is wrong with them the run shows. */
function oldSpellingIn(script: string, known: Known): string | undefined {
  const mistakes = commandsIn(script, known.functions).map((words) => mistakeInArguments(argumentsIn(words) ?? ['ls']));
  return mistakes.find((mistake) => mistake?.endsWith('is an old spelling') === true);
}

/** What is wrong with the text of a block that is not run; `undefined` if nothing, or if this is not known. */
function mistakeIn({ language, info, text, skip }: Block, known: Known): string | undefined {
  if (info === 'run') return language === 'sh' ? oldSpellingIn(text, known) : undefined;
  const isSkipped = skip !== undefined;
  switch (language) {
    case 'sh':
    case 'bash':
      return mistakeInScript(text, known, isSkipped);
    case 'yaml':
      return mistakeInScript(scriptOf(text), known, isSkipped);
    case 'json':
    case 'jsonl':
      return mistakeInJson(language, text);
    case 'http':
      return mistakeInRequest(requestIn(text));
    case 'ini':
      return mistakeInSettings(text, known);
    default:
      return undefined;
  }
}

const PARSED: ReadonlySet<string> = new Set(['sh', 'bash', 'json', 'jsonl', 'http', 'ini']);

/** How a block is checked that is neither run nor has a reason. */
function withoutRun({ language, info, text, page, before }: Block, known: Known): Check {
  if (info.startsWith('file=')) return { kind: 'file' };
  if (info !== '') return wrong(`unknown info string: ${info}`);
  if (language === 'mermaid') return { kind: 'drawing' };
  if (PARSED.has(language)) return { kind: 'parsed' };
  if (language === 'ts') {
    if (!/^\/\/ \S+\.ts\n/.test(text)) return { kind: 'compiled' };
    return known.pagesWithFiles.has(page) ? { kind: 'file' } : wrong('no test writes and runs the files of this page');
  }
  if (language !== 'text') return wrong(`nothing checks "${language}": the block needs a reason, skip="…"`);
  if (known.isGenerated) return { kind: 'generated' };
  if (before?.language === 'sh' && before.info === 'run') return { kind: 'output' };
  if (before?.skip !== undefined) return { kind: 'skipped', reason: before.skip };
  return wrong('nothing prints this text in the tests: the block needs a reason, skip="…"');
}

/** How a block is checked. Blocks of TypeScript that are compiled are so by another check. */
export function checkOf(block: Block, known: Known): Check {
  const { language, info, skip } = block;
  let mistake: string | undefined;
  try {
    mistake = mistakeIn(block, known);
  } catch (error) {
    mistake = (error as Error).message;
  }
  if (mistake !== undefined) return wrong(mistake);
  if (info === 'run' && (language === 'ts' || language === 'sh')) return { kind: 'run' };
  return skip === undefined ? withoutRun(block, known) : { kind: 'skipped', reason: skip };
}
