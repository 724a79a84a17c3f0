import { asBuffer } from '@securestore/core-format';
import type { Destination } from '../repository/destination.ts';

/** The label under which a store is read for a destination. */
export function readerLabel({ id }: Pick<Destination, 'id'>): string {
  return `backup/${asBuffer(id).toString('hex')}`;
}
