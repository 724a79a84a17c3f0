const CODE = /^ *```[^]*?^ *```|`[^`\n]*`/gm;
const LINK = /\]\((?!https?:|mailto:)([^)\s]+)\)/g;

/** The targets of links to files and headings of the repository, as they are written. */
export function findLinks(markdown: string): string[] {
  return [...markdown.replaceAll(CODE, '').matchAll(LINK)].map(([, target = '']) => target);
}

/** A heading as GitHub and VitePress make an anchor of it, before numbers for those that are there twice. */
export function slug(heading: string): string {
  const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '');
  return text
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
}

/** The anchors of the headings of a page, and those that it sets itself. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  const text = markdown.replaceAll(/^ *```[^]*?^ *```/gm, '');
  for (const [, id = ''] of text.matchAll(/<a id="([^"]+)"><\/a>/g)) anchors.add(id);
  for (const [, heading = ''] of text.matchAll(/^#{1,6} +(.*)$/gm)) {
    const base = slug(heading);
    let anchor = base;
    for (let number = 1; anchors.has(anchor); number += 1) anchor = `${base}-${number}`;
    anchors.add(anchor);
  }
  return anchors;
}
