// The work of imports and exports, loaded by the first of them.
export { writeFile } from './export-file-work.ts';
export { writeFolder } from './export-folder-work.ts';
export { readFile } from './import-file-work.ts';
export { readFolder } from './import-folder-work.ts';
