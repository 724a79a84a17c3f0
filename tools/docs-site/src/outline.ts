/** A section of the index of all pages, which is the sidebar of the site, too. */
export interface Section {
  readonly text: string;
  readonly items: readonly { readonly text: string; readonly link: string }[];
}

const ITEM = /^ *- \[([^\]]+)\]\(([^)\s#]+)\.md\)/;

/** The address of a page on the site. @param path in docs, without `.md` */
function linkOf(path: string): string {
  return `/${path.replace(/(^|\/)README$/, '$1')}`;
}

/** @param index the text of docs/README.md: a heading of the second level for each section, and a list of pages below it */
export function outlineOf(index: string): Section[] {
  const sections = index
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [title = '', ...lines] = section.split('\n');
      const items = lines.flatMap((line) => {
        const [, text, path] = ITEM.exec(line) ?? [];
        return text === undefined || path === undefined || path.startsWith('..') ? [] : [{ text, link: linkOf(path) }];
      });
      return { text: title.trim(), items };
    });
  return sections.filter(({ items }) => items.length > 0);
}
