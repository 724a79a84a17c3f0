const LINK = /\]\(([^()\s]+)\)/g;
const CODE_BLOCK = /^```[^]*?^```/gm;

/** The targets of a Markdown file's links to other files of the repository, without their anchors. */
export function findFileLinks(markdown: string): string[] {
  const targets = [...markdown.replaceAll(CODE_BLOCK, '').matchAll(LINK)].map(([, target = '']) => target);
  return targets.filter((target) => !/^(?:[a-z]+:|#)/.test(target)).map((target) => target.replace(/#.*$/, ''));
}
