import { backupTargets } from './backups.ts';
import { codecTargets } from './codecs.ts';
import { documentTargets } from './documents.ts';
import type { Target } from './target.ts';
import { textTargets } from './texts.ts';

/** Every parser of bytes and text that comes from outside. */
export const targets = (): Target[] => [...codecTargets(), ...backupTargets(), ...textTargets(), ...documentTargets()];
