/* `node tools/docs-check/src/write-prose-budget.ts`: lowers the budget of each file to what it needs. It never raises one. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { countAll, lowered } from './words/prose.ts';
import type { Counts } from './words/prose.ts';

const FILE: URL = new URL('../prose-budget.json', import.meta.url);
const budget = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Counts>;
const counts = countAll(fileURLToPath(new URL('../../..', import.meta.url)));
writeFileSync(FILE, `${JSON.stringify(lowered(counts, budget), undefined, 2)}\n`);
