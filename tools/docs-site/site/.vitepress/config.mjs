import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitepress';
import { slug } from '../../../docs-check/src/pages/links.ts';
import { mermaidFences } from './mermaid-fences.mjs';

/** Written by `npm run docs` from docs/README.md. */
const sections = JSON.parse(readFileSync(new URL('outline.json', import.meta.url), 'utf8'));

export default defineConfig({
  title: 'securestore',
  description: 'Encrypted storage for Node, over any backend.',
  srcDir: 'pages',
  outDir: '../dist/site',
  cacheDir: '../dist/cache',
  base: process.env.SECURESTORE_DOCS_BASE ?? '/',
  cleanUrls: true,
  // Anchors are those of GitHub, which links use.
  markdown: { config: mermaidFences, anchor: { slugify: slug } },
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      ...sections.slice(0, 5).map(({ text, items }) => ({ text, link: items[0].link })),
      { text: 'API', link: '/api/index.html', target: '_self' },
    ],
    sidebar: sections.map((section, index) => ({ ...section, collapsed: index > 1 })),
    outline: [2, 3],
    socialLinks: [{ icon: 'github', link: 'https://github.com/securestore/securestore' }],
    editLink: { pattern: 'https://github.com/securestore/securestore/edit/main/docs/:path' },
  },
  // Diagrams are drawn by a library of that size, which is loaded for pages that have one.
  vite: { build: { chunkSizeWarningLimit: 4000 } },
});
