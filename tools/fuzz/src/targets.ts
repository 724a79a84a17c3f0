import { codecTargets } from './codecs.ts';
import type { Target } from './target.ts';
import { textTargets } from './texts.ts';

/** Every parser of bytes and text that comes from outside. */
export const targets = (): Target[] => [...codecTargets(), ...textTargets()];
