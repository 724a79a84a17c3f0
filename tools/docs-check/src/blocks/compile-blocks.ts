import { errorsIn } from '../compile/compile.ts';
import type { Block } from './page-blocks.ts';

/** What pages may take for given by its name alone, with its type. */
const TYPES: Readonly<Record<string, string>> = {
  destination: 'string',
  session: 'securestore.Session',
  sinks: "NonNullable<NonNullable<Parameters<securestore.SecureStore['schedules']['run']>[0]>['sinks']>",
  source: 'string',
  store: 'securestore.SecureStore',
  target: 'string',
  unlock: "securestore.OpenOptions['unlock'] & {}",
};

/** Such as `<!-- given: unlock; id: string -->`: what the blocks of the page use and do not declare. */
const GIVEN = /^<!-- given: (.*) -->$/gm;
const IMPORT = /^import [^;]+;$/gm;

/** The names that a page takes for given, with their types. @throws Error if the type of one is unknown */
function givenBy(markdown: string): [name: string, type: string][] {
  const given = [...markdown.matchAll(GIVEN)].flatMap(([, all = '']) => all.split(/; (?=\w+(?::|;|$))/));
  return ['store', ...given].map((one) => {
    const [, name = '', type = TYPES[name]] = /^(\w+)(?:: (.*))?$/.exec(one) ?? [];
    if (type === undefined) throw new Error(`The type of "${one}", which a page takes for given, is unknown.`);
    return [name, type];
  });
}

/** Imports as one statement for each name, so that those of several blocks can be taken together. */
function singleImports(statement: string): string[] {
  const [, kind = '', names, from = ''] =
    /^import (type )?\{([^}]*)\} from ('.*');$/.exec(statement.replaceAll('\n', ' ')) ?? [];
  if (names === undefined) return [statement];
  return names
    .split(',')
    .flatMap((name) => (name.trim() === '' ? [] : [`import ${kind}{ ${name.trim()} } from ${from};`]));
}

/**
 * A block as a module, on whose second line its code begins. It has the imports of its page: readers of a later block have
 * seen those of the earlier ones.
 */
function moduleOf({ text }: Block, markdown: string, all: readonly Block[]): string {
  const imported = [...new Set(all.flatMap((one) => (one.text.match(IMPORT) ?? []).flatMap(singleImports)))];
  const body = text.replaceAll(IMPORT, (lines) => lines.replaceAll(/[^\n]/g, ''));
  const given = new Map(givenBy(markdown));
  const declared = [...given].map(([name, type]) => `declare const ${name}: ${type};`);
  const before = ["import type * as securestore from 'securestore';", ...imported, ...declared].join(' ');
  return `${before} {\n${body}}\nexport {};\n`;
}

/** Blocks of TypeScript of a page, of which `blocks` are those to compile. */
export interface PageOfTypeScript {
  readonly markdown: string;
  readonly all: readonly Block[];
  readonly blocks: readonly Block[];
}

/** What the compiler says of blocks that are not run, each as `page:line: message`. */
export async function mistakesInTypes(root: string, pages: readonly PageOfTypeScript[]): Promise<string[]> {
  const modules = pages.flatMap(({ markdown, all, blocks }) =>
    blocks.map((block) => ({ block, source: moduleOf(block, markdown, all) })),
  );
  const errors = await errorsIn(
    root,
    modules.map(({ source }) => source),
  );
  return errors.map(({ index, line, message }) => {
    const block = index === undefined ? undefined : modules[index]?.block;
    return block === undefined ? message : `${block.page}:${block.line + line - 2}: ${message}`;
  });
}
