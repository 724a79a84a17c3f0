/**
 * Leaves Mermaid diagrams to the browser: GitHub draws the same blocks.
 *
 * @param {import('markdown-it').default} md
 */
export function mermaidFences(md) {
  const { fence } = md.renderer.rules;
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    const token = tokens[index];
    if (token.info.trim() === 'mermaid') return `<MermaidDiagram code="${encodeURIComponent(token.content)}" />`;
    return fence?.(tokens, index, ...rest) ?? '';
  };
}
