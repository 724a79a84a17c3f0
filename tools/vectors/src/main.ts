import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { files } from './vectors.ts';

// Writes the vectors anew: npm run vectors
const folder: string = fileURLToPath(new URL('../../../packages/core-format/vectors/', import.meta.url));
mkdirSync(folder, { recursive: true });
for (const [name, text] of files()) {
  writeFileSync(folder + name, text);
  console.log(`${name}: ${text.length} bytes`);
}
