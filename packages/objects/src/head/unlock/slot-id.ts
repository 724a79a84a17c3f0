import type { Slot } from '@securestore/core-format';
import { encodeBase32 } from '@securestore/core-format';

/** The id of a slot as text. */
export const slotLabel = (slot: Slot): string => encodeBase32(slot.id);
