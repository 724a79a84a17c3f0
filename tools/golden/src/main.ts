import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Variant } from './scenario.ts';
import { makeGolden } from './scenario.ts';

// Makes the golden stores of a release: packages/objects/test/golden/README.md says when.
//   node --conditions=@securestore/source tools/golden/src/main.ts FOLDER
const { positionals } = parseArgs({ allowPositionals: true });
const [name] = positionals;
if (name === undefined) throw new Error('the name of the folder is missing, such as format-1');
const folder: string = fileURLToPath(new URL(`../../../packages/objects/test/golden/${name}/`, import.meta.url));
if (existsSync(folder)) throw new Error(`${folder} is there: golden stores are never made again`);

const variants: readonly Variant[] = [
  { suite: 1, names: 'encrypted' },
  { suite: 2, names: 'encrypted' },
  { suite: 1, names: 'plain' },
  { suite: 2, names: 'plain' },
];
mkdirSync(folder, { recursive: true });
for (const variant of variants) {
  const file = `${folder}suite-${variant.suite}-${variant.names}.json`;
  const text = `${JSON.stringify(await makeGolden(variant), undefined, 1)}\n`;
  writeFileSync(file, text);
  console.log(`${file}: ${text.length} bytes`);
}
