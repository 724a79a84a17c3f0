import { readJson } from '../../../src/folder/json-text.ts';

const PARTS = 1000;
const NAMES = 4000;

/** A JSON object with 4 MB of names of a thousand parts each, most of them empty. Says how many there are. */
const values = Array.from({ length: NAMES }, (_, index) => `"${index}${'/'.repeat(PARTS)}":1`).join();
console.log([...readJson(`{${values}}`)].length);
