/** The first line of every page that is generated. */
const NOTICE = '<!-- Written by `npm run reference` from the sources: change those, and not this page. -->';

/** A page: its title, what it is about, and its sections. */
export function page(title: string, intro: string, sections: readonly string[]): string {
  return `${[NOTICE, `# ${title}`, intro, ...sections].join('\n\n')}\n`;
}

/** A section with a heading of a level from 2. */
export function section(level: number, heading: string, ...blocks: readonly string[]): string {
  return [`${'#'.repeat(level)} ${heading}`, ...blocks.filter((block) => block !== '')].join('\n\n');
}

/** Text as code. */
export const code = (text: string): string => `\`${text}\``;

export const codes = (texts: readonly string[]): string => texts.map((text) => code(text)).join(', ');

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}

/** A table, or nothing if it has no rows. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  return [line(heads), line(heads.map(() => '---')), ...rows.map((row) => line(row))].join('\n');
}

export const list = (items: readonly string[]): string => items.map((item) => `- ${item}`).join('\n');

/** The text as a sentence: with a capital, and a full stop at its end. */
export function sentence(text: string): string {
  const first = text.slice(0, 1).toUpperCase();
  return `${first}${text.slice(1)}${/[.:!?]$/.test(text) ? '' : '.'}`;
}

/** Where the braces that are open at `from` are closed, and one more; the end of the text if they are not. */
function endOfBraces(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}') depth--;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

/** The text with every object in braces as code, since braces mean something on the site. */
function bracesAsCode(text: string): string {
  const from = text.indexOf('{');
  if (from === -1) return text;
  const end = endOfBraces(text, from);
  return `${text.slice(0, from)}${code(text.slice(from, end))}${bracesAsCode(text.slice(end))}`;
}

/** What is code in text for a terminal. */
const CODE: RegExp = new RegExp(
  `(?<![\\w\`/.:-])(?:${[
    // A command.
    'securestore (?!that)(?:[a-z]+ )?[a-z]+(?:(?: --?[a-z][a-z-]*)?(?: [A-Z]{2,})?)*(?![A-Za-z])',
    // An option, and what it is given.
    '--[a-z][a-z-]*(?:[ =](?:[A-Z]{2,}(?:=[A-Z]+)?(?![a-z])|"[^"]*"))?',
    '-[a-z](?=[ ,)])',
    // A variable.
    '\\$[A-Z][A-Z_]+(?:/[\\w-]+)?',
    "[A-Z]+='[^']*'",
    // A store URL, a request, a path, and names of files.
    '[a-z0-9]+:\\.{0,2}/[^\\s,;)]+',
    'vim(?: -[a-z])+ NONE',
    '(?:GET|PUT|POST|DELETE) /[\\w/{}-]+',
    '(?:~|\\.)?/[a-z.](?:[\\w/.-]*[\\w/])?',
    '\\*?\\.(?:env|json)(?:\\.\\*)?(?!\\w)',
    'securestore-(?:key|passphrase|token)|NAME\\.securestore\\.json|oidc-NAME',
    '<[a-z-]+>',
  ].join('|')})`,
  'g',
);

/** Text that was written for a terminal, as Markdown: code in backticks, and nothing that Markdown would take for its own. */
export function fromPlain(text: string): string {
  return bracesAsCode(text.replaceAll('`', ''))
    .split(/(`[^`]*`)/)
    .map((part) =>
      part.startsWith('`')
        ? part
        : part
            .replaceAll(CODE, (found) => code(found))
            .split(/(`[^`]*`)/)
            .map((rest) => (rest.startsWith('`') ? rest : rest.replaceAll(/[*_<]/g, (character) => `\\${character}`)))
            .join(''),
    )
    .join('');
}

/** The most words in a cell of a table. */
const MAX_WORDS = 15;

const isShort = (cell: string): boolean => cell.split(/\s+/).length <= MAX_WORDS;

/** A table of named things; a list if a cell would be long. The first cell is the name, the last one the meaning. */
export function definitions(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.every((row) => row.every((cell) => isShort(cell)))) return table(heads, rows);
  return list(
    rows.map((row) => {
      const [name = '', ...facts] = row;
      const meaning = facts.pop() ?? '';
      const shown = facts.flatMap((fact, at) => {
        const head = heads[at + 1]?.toLowerCase() ?? '';
        return fact === '' ? [] : [head === 'default' && fact !== 'required' ? `default ${fact}` : fact];
      });
      return `${name}${shown.length === 0 ? '' : ` (${shown.join('; ')})`}${meaning === '' ? '' : `: ${meaning}`}`;
    }),
  );
}
