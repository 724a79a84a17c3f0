import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeExample } from './example.ts';
import { withExample } from './render.ts';

// Writes the worked example into the specification:
//   node --conditions=@securestore/source tools/format-example/src/main.ts
const path: string = fileURLToPath(new URL('../../../docs/format.md', import.meta.url));
writeFileSync(path, withExample(readFileSync(path, 'utf8'), await makeExample()));
