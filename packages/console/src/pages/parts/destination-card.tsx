import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { WireReceipts, WireTimeline } from '@securestore/protocol';
import { now } from '../lib/clock.ts';
import { bytes, counted, duration } from '../lib/format.ts';
import { EMPTY_DRAFT } from '../lib/draft.ts';
import { lastDrill, receiptsOf, timelineOf } from '../lib/points.ts';
import { useResource } from '../lib/resource.ts';
import type { Resource } from '../lib/resource.ts';
import { Badge, Failure, Link, Loading, Name } from './basics.tsx';
import { Ago, Time } from './time.tsx';

/** How often it is looked how far behind a destination is, in milliseconds. What is looked at is recorded: so not more often. */
const EVERY = 30_000;

/** `0.8 s behind`. Where nothing follows the store, that grows with the time. */
export function Lag({ timeline }: { readonly timeline: WireTimeline }): JSX.Element | null {
  const { lag, isContinuous } = timeline;
  // By the clock of this machine, which need not be that of the server.
  const begun = useMemo(() => Date.now(), [timeline]);
  if (lag === undefined) return null;
  const behind = isContinuous ? lag : lag + Math.max(0, now.value - begun);
  return (
    <Badge tone={isContinuous && lag < 60_000 ? 'ok' : 'neutral'}>
      {duration(behind)} behind{isContinuous ? ', following' : ''}
    </Badge>
  );
}

/** What can be restored from a destination, and how it was tried. */
interface Seen {
  readonly timeline: WireTimeline;
  readonly receipts: WireReceipts;
}

/** Looks at a destination, from time to time. @param limit how many snapshots are wanted */
export function useDestination(destination: string, limit: number): Resource<Seen> {
  return useResource(
    destination,
    async (asked) => {
      const [timeline, receipts] = await Promise.all([
        timelineOf(destination, { limit }, asked),
        receiptsOf(destination, asked),
      ]);
      return { timeline, receipts };
    },
    EVERY,
  );
}

interface CardProps {
  readonly destination: string;
  readonly heading: 'h2' | 'h3';
  /** What {@link useDestination} knows of it. */
  readonly seen: Resource<Seen>;
}

/** A card of a destination that is looked at for it alone. */
export function DestinationGlance({ destination, heading }: Omit<CardProps, 'seen'>): JSX.Element {
  return <DestinationCard destination={destination} heading={heading} seen={useDestination(destination, 1)} />;
}

/** What can be restored from a place, at a glance. */
export function DestinationCard({ destination, heading: Heading, seen }: CardProps): JSX.Element {
  const { value, error, isSlow, reload } = seen;
  if (value === undefined) {
    return (
      <article class="card" aria-label={destination}>
        <Heading>
          <Name of={destination} />
        </Heading>
        {error === undefined ? (
          <Loading isSlow={isSlow} what="what can be restored" />
        ) : (
          <Failure error={error} onRetry={reload} />
        )}
      </article>
    );
  }
  const { timeline, receipts } = value;
  const [snapshot] = timeline.snapshots;
  const drill = lastDrill(receipts);
  return (
    <article class="card" aria-label={destination}>
      <Heading>
        <Name of={destination} />
      </Heading>
      <div class="card-body">
        {timeline.recoverableTo === undefined ? (
          <p class="figure">Nothing can be restored from here yet</p>
        ) : (
          <p class="figure">
            <span class="small muted">Recoverable to</span>
            <Time of={timeline.recoverableTo} isLong />
            <Lag timeline={timeline} />
          </p>
        )}
        <dl class="facts">
          <div>
            <dt>Last backup</dt>
            <dd>
              {snapshot === undefined ? (
                'none'
              ) : (
                <>
                  <Ago of={snapshot.time} />, {counted(snapshot.objects, 'object')}, {bytes(snapshot.bytes)}
                </>
              )}
            </dd>
          </div>
          <div>
            <dt>Last drill</dt>
            <dd>
              {drill === undefined ? (
                'none yet, so nobody knows how long a recovery takes'
              ) : (
                <>
                  <Ago of={drill.begun} />, recovered in {duration(drill.recovery)}{' '}
                  <Badge tone={drill.ok ? 'ok' : 'bad'}>{drill.ok ? 'good' : 'failed'}</Badge>
                </>
              )}
            </dd>
          </div>
        </dl>
      </div>
      {error !== undefined && <p class="error-line">It can’t be reached now; this is what was known before.</p>}
      {timeline.error !== undefined && <p class="error-line">{timeline.error.message}</p>}
      {timeline.recoverableTo !== undefined && (
        <p>
          <Link
            to="/recover"
            state={{ draft: { ...EMPTY_DRAFT, destination } }}
            label={`Recover from here, ${destination}`}
          >
            Recover from here
          </Link>
        </p>
      )}
    </article>
  );
}
