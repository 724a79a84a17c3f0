import type { DrillFacts, RegisteredDestination } from '@securestore/backup';
import type { Wire, WireReceipts, WireTimeline } from '@securestore/protocol';
import { get } from './api.ts';
import type { Query } from './api.ts';

interface Asked {
  readonly signal?: AbortSignal;
  readonly unattended?: boolean;
}

export type Destination = Pick<Wire<RegisteredDestination>, 'url' | 'registered'>;

/** Where the store is backed up. @throws ApiError */
export async function destinationsOf(asked: Asked = {}): Promise<Destination[]> {
  return (await get<{ destinations: Destination[] }>('/v1/recovery-points/destinations', {}, asked)).destinations;
}

/** What can be restored from a destination. @throws ApiError */
export async function timelineOf(destination: string, query: Query = {}, asked: Asked = {}): Promise<WireTimeline> {
  return get<WireTimeline>('/v1/recovery-points/timeline', { destination, ...query }, asked);
}

/** @throws ApiError */
export async function receiptsOf(destination: string, asked: Asked = {}): Promise<WireReceipts> {
  return get<WireReceipts>('/v1/recovery-points/receipts', { destination }, asked);
}

/** What a receipt says. Whether the store has signed it, `securestore` tells; here it came from the store itself. */
export function factsIn<T>(receipt: { readonly facts: string }): T | undefined {
  try {
    return JSON.parse(receipt.facts) as T;
  } catch {
    return undefined;
  }
}

/** The newest drill, of which there may be none. */
export function lastDrill(receipts: WireReceipts): DrillFacts | undefined {
  const [newest] = receipts.drills;
  return newest && factsIn<DrillFacts>(newest.receipt);
}
