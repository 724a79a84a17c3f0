import type { Entry, Example } from './example.ts';

const BEGIN = '<!-- example: begin -->';
const END = '<!-- example: end -->';
const BYTES_PER_LINE = 40;

function lines(value: Uint8Array | string): string[] {
  if (typeof value === 'string') return [value];
  const hex = Buffer.from(value).toString('hex');
  return hex.match(new RegExp(`.{1,${BYTES_PER_LINE * 2}}`, 'g')) ?? [''];
}

function block(entries: readonly Entry[]): string {
  const text = entries.map(([name, value]) => [name, ...lines(value).map((line) => `  ${line}`)].join('\n')).join('\n');
  return `\`\`\`text\n${text}\n\`\`\``;
}

/** The example as Markdown. */
function renderExample({ inputs, derived, objects }: Example): string {
  return [
    BEGIN,
    'Chosen values:',
    block(inputs),
    'Derived values:',
    block(derived),
    'What lies at the backend:',
    block(objects),
    END,
  ].join('\n\n');
}

/** `document` with the example in the place of the one that it holds. */
export function withExample(document: string, example: Example): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`the document has no "${BEGIN}" before "${END}"`);
  return document.slice(0, begin) + renderExample(example) + document.slice(end + END.length);
}

/** What lies at the backend, read back from the rendered example. */
export function parseObjects(document: string): Map<string, Buffer> {
  const text = document.slice(document.indexOf('What lies at the backend:', document.indexOf(BEGIN)));
  const start = text.indexOf('```text\n') + '```text\n'.length;
  const objects = new Map<string, Buffer>();
  let name = '';
  for (const line of text.slice(start, text.indexOf('\n```', start)).split('\n')) {
    if (line.startsWith('  ')) {
      objects.set(name, Buffer.concat([objects.get(name) ?? Buffer.alloc(0), Buffer.from(line.trim(), 'hex')]));
    } else name = line;
  }
  return objects;
}
