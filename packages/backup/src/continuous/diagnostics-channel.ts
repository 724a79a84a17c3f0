import { channel } from 'node:diagnostics_channel';

/** The channel of `node:diagnostics_channel` on which continuous backups publish when they can't go on, and when they do again. */
export const FOLLOW_CHANNEL = 'securestore.follow';

/** What is published on {@link FOLLOW_CHANNEL}. */
export interface FollowMessage {
  /** Of the store, without credentials. */
  readonly location: string;
  readonly destination: string;
  /**
   * `failing`: nothing can be shipped, and it is tried again and again; `going on`: that is over; `ended`: it has ended by itself, since
   * waiting does not help.
   */
  readonly event: 'failing' | 'going on' | 'ended';
  /** Why it is failing, or has ended. */
  readonly error?: { readonly code: string; readonly message: string };
}

const follow = channel(FOLLOW_CHANNEL);

export function publishFollow(message: FollowMessage): void {
  if (follow.hasSubscribers) follow.publish(message);
}
