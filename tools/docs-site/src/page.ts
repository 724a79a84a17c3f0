import { dirname, extname, join, relative } from 'node:path';

const REPOSITORY = 'https://github.com/securestore/securestore';

/** The ways of doing one thing: blocks of code that follow each other below these are tabs on the site. */
const WAYS: readonly string[] = ['Library', 'Command line', 'HTTP'];

const LABELLED: string = `\\*\\*(?:${WAYS.join('|')})\\*\\*\\n\\n\`\`\`\\w[^\\n]*\\n[^]*?^\`\`\`$\\n*`;
const GROUP = new RegExp(`^(?:${LABELLED}){2,}`, 'gm');
const BLOCK = /\*\*([^*]+)\*\*\n\n```(\w+)[^\n]*\n([^]*?)^```$\n*/gm;

function withTabs(text: string): string {
  return text.replaceAll(GROUP, (group) => {
    const blocks = [...group.matchAll(BLOCK)].map(
      ([, way = '', language = '', code = '']) => `\`\`\`${language} [${way}]\n${code}\`\`\``,
    );
    return `::: code-group\n\n${blocks.join('\n\n')}\n\n:::\n\n`;
  });
}

const TARGET = /(\]\(|src=")(?!https?:|mailto:|#)([^)\s#"]+)((?:#[^)\s"]*)?(?:\)|"))/g;
const CODE = /(^```[^]*?^```$|`[^`\n]+`)/gm;

/** Whether a file of docs is on the site: pages and pictures. */
export function isOnSite(path: string): boolean {
  return !path.startsWith('..') && /\.(?:md|png|svg)$/.test(path);
}

/**
 * A page as the site has it: links to files that are not on the site lead to the repository, and ways of doing one thing are tabs.
 *
 * @param path in docs
 */
export function pageForSite(text: string, path: string): string {
  const linked = (part: string): string =>
    part.replaceAll(TARGET, (_, before: string, target: string, after: string) => {
      const file = join(dirname(path), target);
      // The name of an index, as it is copied.
      if (isOnSite(file)) return `${before}${target.replace(/README\.md$/, 'index.md')}${after}`;
      const kind = extname(target) === '' ? 'tree' : 'blob';
      return `${before}${REPOSITORY}/${kind}/main/${relative('.', join('docs', file))}${after}`;
    });
  const parts = text.split(CODE).map((part, index) => (index % 2 === 1 ? part : linked(part)));
  return withTabs(parts.join(''));
}
