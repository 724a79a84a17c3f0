import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { WireTimeline } from '@securestore/protocol';
import { change, draft } from '../lib/draft.ts';
import type { Point } from '../lib/draft-types.ts';
import { count, counted, duration } from '../lib/format.ts';
import { destinationsOf, timelineOf } from '../lib/points.ts';
import { gapsOf, meantBy, undoingIn, windowsOf } from '../lib/recovery.ts';
import { useResource } from '../lib/resource.ts';
import type { Span } from '../lib/scale.ts';
import { Badge, Button, Empty, Failure, Link, Loading, Notice, Panel } from '../parts/basics.tsx';
import { Choice } from '../parts/fields.tsx';
import { Command } from '../parts/command.tsx';
import { Lag } from '../parts/destination-card.tsx';
import { MomentField } from '../parts/moment-field.tsx';
import { NotBackedUp } from '../parts/not-backed-up.tsx';
import { RecoverPage } from '../parts/recover.tsx';
import { SnapshotTable, WHOLE } from '../parts/snapshot-table.tsx';
import { Table } from '../parts/table.tsx';
import type { TableColumn } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { Timeline } from '../parts/timeline.tsx';

const EVERY = 15_000;
const MINUTE = 60_000;

const set = (time: number): void => change({ point: { at: new Date(time).toISOString() } });

/** The moment that is chosen: as a time, in steps, and what it means. */
function Chosen({ timeline }: { readonly timeline: WireTimeline }): JSX.Element {
  const { point } = draft.value;
  const meant = meantBy(timeline, point);
  const undoing = point.at === undefined && point.snapshot === undefined ? undoingIn(timeline) : undefined;
  const shown = point.at === undefined ? meant?.time : new Date(point.at).getTime();
  return (
    <>
      <div class="choose-moment">
        <MomentField
          label="Moment"
          value={shown === undefined ? undefined : new Date(shown)}
          onChange={(time) => set(time.getTime())}
        />
        <div class="nudges" role="group" aria-label="Move the moment">
          <Button
            kind="quiet"
            label="−1 h, one hour earlier"
            disabled={shown === undefined}
            onPress={() => set((shown ?? 0) - 60 * MINUTE)}
          >
            −1 h
          </Button>
          <Button
            kind="quiet"
            label="−1 min, one minute earlier"
            disabled={shown === undefined}
            onPress={() => set((shown ?? 0) - MINUTE)}
          >
            −1 min
          </Button>
          <Button
            kind="quiet"
            label="+1 min, one minute later"
            disabled={shown === undefined}
            onPress={() => set((shown ?? 0) + MINUTE)}
          >
            +1 min
          </Button>
          <Button
            kind="quiet"
            pressed={point.at === undefined && point.snapshot === undefined}
            onPress={() => change({ point: {} })}
          >
            Newest
          </Button>
        </div>
      </div>
      {meant === undefined ? (
        <Notice tone="warn" title="Nothing is known from then">
          The oldest backup is from later. Choose a later moment, or another destination.
        </Notice>
      ) : (
        <Notice
          tone={meant.isEarlier ? 'warn' : 'accent'}
          title={
            meant.isEarlier ? 'That moment was not backed up: this is the last one before it' : 'The chosen moment'
          }
        >
          <Time of={meant.time} isLong />
          {undoing !== undefined && (
            <p>
              Snapshot {undoing.number} is newer, and was made {undoing.label}. Choose it below to undo that restore.
            </p>
          )}
          {meant.isEarlier && <p>What changed between this and the moment that you asked for is not in the backup.</p>}
        </Notice>
      )}
      <p class="next">
        {meant !== undefined && (
          <Link to="/recover/browse" isButton>
            Look at the store then
          </Link>
        )}
        <span class="muted">
          Don’t know when it was good? <Link to="/recover/find">Find a key</Link> and see when it changed, or look at{' '}
          <Link to="/recover/compare">what is different now</Link>.
        </span>
      </p>
    </>
  );
}

const isSame = ({ snapshot }: Point, number: number): boolean => snapshot === number;

function Snapshots({
  timeline,
  destination,
}: {
  readonly timeline: WireTimeline;
  readonly destination: string;
}): JSX.Element {
  const { point } = draft.value;
  return (
    <Panel title="Snapshots">
      {timeline.damaged.length > 0 && (
        <Notice tone="bad" title={`${counted(timeline.damaged.length, 'snapshot')} can’t be read`}>
          {timeline.damaged.join(', ')}: they are damaged. Choose another one, and verify the destination.
        </Notice>
      )}
      <SnapshotTable
        caption="Each is the whole store as it was at its time. The newest first."
        snapshots={timeline.snapshots}
        more={[
          WHOLE,
          {
            title: 'Choose',
            isTitleHidden: true,
            class: 'act',
            cell: ({ number, time }) => (
              <Button
                kind="quiet"
                pressed={isSame(point, number)}
                label={`${isSame(point, number) ? 'Chosen' : 'Choose'} snapshot ${number}`}
                onPress={() => change({ point: { snapshot: number, time } })}
              >
                {isSame(point, number) ? 'Chosen' : 'Choose'}
              </Button>
            ),
          },
        ]}
        isSelected={({ number }) => isSame(point, number)}
        isTall
      />
      <Command request={{ type: 'snapshots', destination }} />
    </Panel>
  );
}

function gapsText(gaps: number): string {
  if (gaps === 0) return 'There is no gap.';
  return gaps === 1 ? 'There is one gap between them.' : `There are ${count(gaps)} gaps between them.`;
}

const WINDOW_COLUMNS: readonly TableColumn<Span & { readonly before: number | undefined }>[] = [
  { title: 'From', cell: ({ from }) => <Time of={from} /> },
  { title: 'To', cell: ({ to }) => <Time of={to} /> },
  { title: 'Length', cell: ({ from, to }) => (from === to ? 'one moment' : duration(to - from)) },
  {
    title: 'Gap before it',
    cell: ({ from, before }) =>
      before === undefined ? <span class="muted">none: the oldest</span> : duration(from - before),
  },
];

function Windows({
  timeline,
  destination,
}: {
  readonly timeline: WireTimeline;
  readonly destination: string;
}): JSX.Element {
  const windows = windowsOf(timeline).toReversed();
  const gaps = gapsOf(windowsOf(timeline));
  return (
    <Panel title="Windows and gaps">
      <Table
        label="Windows"
        caption={`Within a window every moment can be restored. ${gapsText(gaps.length)}`}
        columns={WINDOW_COLUMNS}
        rows={windows.map((window, at) => ({ ...window, before: windows[at + 1]?.to }))}
        keyOf={({ from }) => from}
        isTall
      />
      <Command request={{ type: 'snapshots', destination, windows: true }} />
    </Panel>
  );
}

function Points({ destination }: { readonly destination: string }): JSX.Element {
  const {
    value: timeline,
    error,
    isSlow,
    reload,
  } = useResource(destination, (asked) => timelineOf(destination, { limit: 1000 }, asked), EVERY);
  if (timeline === undefined) {
    return error === undefined ? (
      <Loading isSlow={isSlow} what="what can be restored" />
    ) : (
      <Failure error={error} onRetry={reload} title="The destination can’t be looked at" />
    );
  }
  if (timeline.recoverableTo === undefined) {
    return (
      <Empty title="Nothing can be restored from here">
        <p>There is no snapshot at this destination that can be read.</p>
        <Link to="/backups">Look at backups</Link>
      </Empty>
    );
  }
  return (
    <>
      <Panel
        title="When"
        aside={
          <span class="recoverable">
            Recoverable to <Time of={timeline.recoverableTo} /> <Lag timeline={timeline} />
          </span>
        }
      >
        {error !== undefined && (
          <Notice tone="warn">
            The destination can’t be reached now; this is what was known before. <Badge>{error.code}</Badge>
          </Notice>
        )}
        <Timeline timeline={timeline} chosen={meantBy(timeline, draft.value.point)?.time} onChoose={set} />
        <Chosen timeline={timeline} />
      </Panel>
      <Snapshots timeline={timeline} destination={destination} />
      <Windows timeline={timeline} destination={destination} />
    </>
  );
}

export function PointView(): JSX.Element {
  const { value: destinations, error, isSlow, reload } = useResource('destinations', destinationsOf);
  const { destination } = draft.value;
  const [only] = destinations ?? [];
  // Where there is one there is nothing to choose.
  useEffect(() => {
    if (destination === undefined && only !== undefined) change({ destination: only.url });
  }, [destination, only]);
  return (
    <RecoverPage title="Recover" lead="Choose a moment when the data was still good.">
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      {destinations === undefined && error === undefined && <Loading isSlow={isSlow} what="backups" />}
      {destinations?.length === 0 && (
        <NotBackedUp>
          There is no backup to restore from. The store itself still has older versions of its keys:{' '}
          <code>securestore history KEY</code> shows them.
        </NotBackedUp>
      )}
      {destinations !== undefined && destinations.length > 1 && (
        <Panel title="From where">
          <Choice
            legend="Destination"
            value={destination ?? ''}
            options={destinations.map(({ url }) => ({ value: url, label: url }))}
            onChange={(url) => change({ destination: url, point: {} })}
          />
        </Panel>
      )}
      {destination !== undefined && error === undefined && <Points destination={destination} />}
    </RecoverPage>
  );
}
