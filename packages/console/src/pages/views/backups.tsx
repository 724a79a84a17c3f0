import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { destinationsOf } from '../lib/points.ts';
import { useResource } from '../lib/resource.ts';
import { may } from '../lib/session.ts';
import { backingUp } from '../lib/work.ts';
import { CurrentTask, TASKS } from '../parts/backup-tasks.tsx';
import type { Task } from '../parts/backup-tasks.tsx';
import { Button, Empty, Failure, Loading, Panel } from '../parts/basics.tsx';
import { Choice, Field, UNKEPT } from '../parts/fields.tsx';
import { Command } from '../parts/command.tsx';
import { DestinationCard, useDestination } from '../parts/destination-card.tsx';
import { Page } from '../parts/page.tsx';
import { Receipts } from '../parts/receipt-table.tsx';
import { SchedulesPanel } from '../parts/schedules-panel.tsx';
import { COPIED, SnapshotTable } from '../parts/snapshot-table.tsx';

function Place({ destination }: { readonly destination: string }): JSX.Element {
  const seen = useDestination(destination, 10);
  const { value, error, isSlow, reload } = seen;
  const isBusy = ['running', 'stopping'].includes(backingUp.state.value.state);
  const run = async (task: Task): Promise<void> => {
    await backingUp.start(TASKS[task].path, { destination });
    reload();
  };
  return (
    <>
      <div class="cards">
        <DestinationCard destination={destination} heading="h2" seen={seen} />
      </div>
      <Panel title="Snapshots and drills">
        {may('backup') && (
          <div class="buttons">
            {(Object.keys(TASKS) as Task[]).map((task) => (
              <Button
                key={task}
                kind={task === 'backup' ? 'primary' : 'plain'}
                disabled={isBusy}
                onPress={() => void run(task)}
              >
                {TASKS[task].title}
              </Button>
            ))}
          </div>
        )}
        {value === undefined && error === undefined && <Loading isSlow={isSlow} what="backups" />}
        {value === undefined && error !== undefined && (
          <p class="muted">Nothing is known of its snapshots while it can’t be reached.</p>
        )}
        {value !== undefined && (
          <>
            <SnapshotTable caption="The newest snapshots." snapshots={value.timeline.snapshots} more={[COPIED]} />
            <Receipts receipts={value.receipts} />
          </>
        )}
        {may('backup') && (
          <div class="commands">
            <Command request={{ type: 'backup', destination }} />
            <Command request={{ type: 'verify-backup', destination }} />
            <Command request={{ type: 'drill', destination }} />
          </div>
        )}
      </Panel>
    </>
  );
}

/** A first backup to a place that nobody has registered. */
function NewPlace({ onDone }: { readonly onDone: () => void }): JSX.Element {
  const [url, setUrl] = useState('');
  const [problem, setProblem] = useState<string>();
  const start = async (): Promise<void> => {
    if (url.trim() === '') return setProblem('Say where, such as s3://elsewhere/vault.');
    await backingUp.start('/v1/backup', { destination: url.trim() });
    onDone();
  };
  return (
    <Panel title="Another destination">
      <Field
        label="Store URL"
        hint="Out of reach of whoever could destroy the store. The server goes there with its own credentials."
        error={problem}
      >
        {({ id, describedBy }) => (
          <input
            id={id}
            aria-describedby={describedBy}
            {...UNKEPT}
            type="text"
            value={url}
            onInput={(event) => {
              setUrl(event.currentTarget.value);
              setProblem(undefined);
            }}
          />
        )}
      </Field>
      <Button onPress={() => void start()}>Make a first backup</Button>
    </Panel>
  );
}

export function BackupsView(): JSX.Element {
  const { value: destinations, error, isSlow, reload } = useResource('destinations', destinationsOf);
  const [picked, setPicked] = useState<string>();
  const shown = destinations?.find(({ url }) => url === picked) ?? destinations?.[0];
  return (
    <Page
      title="Backups"
      lead="Where the store is backed up, whether the backups are good, and how long a recovery takes."
    >
      <CurrentTask onDone={reload} />
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      {destinations === undefined && error === undefined && <Loading isSlow={isSlow} what="backups" />}
      {destinations?.length === 0 && (
        <Empty title="This store is not backed up">
          <p>What is lost now can’t be brought back. Make a first backup below, or ask whoever may.</p>
        </Empty>
      )}
      {destinations !== undefined && destinations.length > 1 && (
        <Choice
          legend="Destination"
          value={shown?.url ?? ''}
          options={destinations.map(({ url }) => ({ value: url, label: url }))}
          onChange={setPicked}
        />
      )}
      {shown !== undefined && may('backup.view') && <Place key={shown.url} destination={shown.url} />}
      {may('backup') && <SchedulesPanel />}
      {may('backup') && may('backup.manage') && <NewPlace onDone={reload} />}
    </Page>
  );
}
