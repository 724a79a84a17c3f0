import type { RecordHeader } from '@securestore/core-format';
import type { Condition } from '../../api/write-condition.ts';
import type { OpenBody } from '../../record/body.ts';
import type { Current, Target } from '../../record/open-record.ts';

/** What a mutation makes of what was there; asked anew for every attempt. */
export type Draft =
  | {
      readonly kind: 'object';
      readonly blob?: RecordHeader['blob'] | undefined;
      readonly body: DraftBody;
    }
  | { readonly kind: 'tombstone'; readonly modified: number };

/** What a draft says of an object: the commit knows its origin. */
export type DraftBody = Omit<OpenBody, 'origin'>;

/** A mutation of one object. */
export interface Mutation {
  readonly target: Target;
  readonly condition: Condition;
  /** Needs to see what is there before anything is written, even where that isn't known. */
  readonly readFirst: boolean;
  /** `undefined` where there is nothing to do. `now` is in milliseconds since 1970. */
  readonly draft: (current: Current, now: number) => Draft | undefined;
  readonly signal: AbortSignal | undefined;
  /**
   * Called before every attempt, once it is known what is to be replaced; what it throws ends the mutation.
   *
   * @param doubtful whether an earlier attempt may have taken effect
   */
  readonly beforeAttempt?: ((doubtful: boolean) => Promise<void> | undefined) | undefined;
  /** Whether what that made sure of is sure still; asked at the moment at which the record is sent. */
  readonly stillHolds?: (() => boolean) | undefined;
}
