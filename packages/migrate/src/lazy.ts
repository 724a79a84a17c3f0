/**
 * Imports and exports, without what they do: the first of them loads that. For programs that may never make one; everything else is in the
 * entry `.`, which loads it at once.
 */
export { exportFile } from './folder/export-file.ts';
export { exportFolder } from './folder/export-folder.ts';
export { fileFormatOf } from './folder/file-format.ts';
export { importFile } from './folder/import-file.ts';
export { importFolder } from './folder/import-folder.ts';
export { writeFileAtomically } from './folder/atomic-file.ts';
export { forEachConcurrently } from './folder/concurrency.ts';
export { isNotGranted } from './folder/not-granted.ts';
export { objectsBelow } from './folder/objects-below.ts';
export { ownFiles } from './folder/own-files.ts';
export { endsAll } from './folder/transfer.ts';
