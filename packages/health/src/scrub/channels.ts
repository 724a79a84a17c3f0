import { channel } from 'node:diagnostics_channel';
import type { HealthReport } from '../report/types.ts';
import type { ScrubFinding, ScrubReport } from './types.ts';

/** The channel of `node:diagnostics_channel` on which every report of the health of a store is published. */
export const HEALTH_CHANNEL = 'securestore.health';
/** The one on which a scrub publishes what it finds, and its report. */
export const SCRUB_CHANNEL = 'securestore.scrub';

/** What is published on {@link HEALTH_CHANNEL}. */
export interface HealthMessage {
  readonly url: string;
  readonly report: HealthReport;
}

/** What is published on {@link SCRUB_CHANNEL}. */
export type ScrubMessage =
  | { readonly url: string; readonly finding: ScrubFinding }
  | { readonly url: string; readonly report: ScrubReport };

const health = channel(HEALTH_CHANNEL);
const scrub = channel(SCRUB_CHANNEL);

export function publishHealth(message: HealthMessage): void {
  if (health.hasSubscribers) health.publish(message);
}

export function publishScrub(message: ScrubMessage): void {
  if (scrub.hasSubscribers) scrub.publish(message);
}
