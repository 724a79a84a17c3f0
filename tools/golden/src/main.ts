import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeAudited } from './audited.ts';
import type { Variant } from './scenario.ts';
import { makeGolden } from './scenario.ts';

// Makes the golden stores of a release: packages/objects/test/golden/README.md says when; with --audited those that have members,
// a policy and an audit log: packages/securestore/test/golden/README.md says when.
//   node --conditions=@securestore/source tools/golden/src/main.ts FOLDER [--audited]
const { positionals, values } = parseArgs({ allowPositionals: true, options: { audited: { type: 'boolean' } } });
const [name] = positionals;
if (name === undefined) throw new Error('the name of the folder is missing, such as format-1');
const owner = values.audited === true ? 'securestore' : 'objects';
const folder: string = fileURLToPath(new URL(`../../../packages/${owner}/test/golden/${name}/`, import.meta.url));
if (existsSync(folder)) throw new Error(`${folder} is there: golden stores are never made again`);

const variants: readonly Variant[] = [
  { suite: 1, names: 'encrypted' },
  { suite: 2, names: 'encrypted' },
  { suite: 1, names: 'plain' },
  { suite: 2, names: 'plain' },
];

function keep(file: string, golden: object): void {
  const text = `${JSON.stringify(golden, undefined, 1)}\n`;
  writeFileSync(`${folder}${file}`, text);
  console.log(`${folder}${file}: ${text.length} bytes`);
}

mkdirSync(folder, { recursive: true });
if (values.audited === true) {
  for (const suite of [1, 2] as const) keep(`suite-${suite}.json`, await makeAudited(suite));
} else {
  for (const variant of variants) keep(`suite-${variant.suite}-${variant.names}.json`, await makeGolden(variant));
}
