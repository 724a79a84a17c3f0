import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FOLDER, pages } from './pages.ts';

// Writes the generated pages of the reference again: npm run reference
const root: string = fileURLToPath(new URL('../../..', import.meta.url));
for (const [name, text] of await pages(root)) {
  writeFileSync(join(root, FOLDER, name), text);
  console.log(`${FOLDER}/${name}: ${text.length} characters`);
}
