import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { SnapshotInfo } from '@securestore/backup';
import type { Wire } from '@securestore/protocol';
import { bytes, count } from '../lib/format.ts';
import { destinationsOf, receiptsOf, timelineOf } from '../lib/points.ts';
import { useResource } from '../lib/resource.ts';
import { may } from '../lib/session.ts';
import { backingUp } from '../lib/work.ts';
import { CurrentTask, TASKS } from '../parts/backup-tasks.tsx';
import type { Task } from '../parts/backup-tasks.tsx';
import { Button, Choice, Empty, Failure, Field, Loading, Panel } from '../parts/basics.tsx';
import { Command } from '../parts/command.tsx';
import { DestinationCard } from '../parts/destination-card.tsx';
import { Page } from '../parts/page.tsx';
import { Receipts } from '../parts/receipt-table.tsx';
import { SchedulesPanel } from '../parts/schedules-panel.tsx';
import { Time } from '../parts/time.tsx';

function Snapshots({ snapshots }: { readonly snapshots: readonly Wire<SnapshotInfo>[] }): JSX.Element {
  return (
    <div class="table" tabIndex={0} role="region" aria-label="Snapshots, a table">
      <table>
        <caption>The newest snapshots.</caption>
        <thead>
          <tr>
            <th scope="col">No.</th>
            <th scope="col">Time</th>
            <th scope="col">Label</th>
            <th scope="col" class="number">
              Objects
            </th>
            <th scope="col" class="number">
              Copied for it
            </th>
          </tr>
        </thead>
        <tbody>
          {snapshots.map(({ number, time, label, objects, copied }) => (
            <tr key={number}>
              <th scope="row">{number}</th>
              <td>
                <Time of={time} />
              </td>
              <td class="wrap">{label === '' ? <span class="muted">–</span> : label}</td>
              <td class="number">{count(objects)}</td>
              <td class="number">{bytes(copied)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Place({ destination }: { readonly destination: string }): JSX.Element {
  const { value, error, isSlow, reload } = useResource(destination, async (asked) => ({
    receipts: await receiptsOf(destination, asked),
    timeline: await timelineOf(destination, { limit: 10 }, asked),
  }));
  const isBusy = ['running', 'stopping'].includes(backingUp.state.value.state);
  const run = async (task: Task): Promise<void> => {
    await backingUp.start(TASKS[task].path, { destination });
    reload();
  };
  return (
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
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      {value === undefined && error === undefined && <Loading isSlow={isSlow} what="backups" />}
      {value !== undefined && (
        <>
          <Snapshots snapshots={value.timeline.snapshots} />
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
  );
}

/** A first backup to a place that nobody has registered. */
function NewPlace({ onDone }: { readonly onDone: () => void }): JSX.Element {
  const [location, setLocation] = useState('');
  const [problem, setProblem] = useState<string>();
  const start = async (): Promise<void> => {
    if (location.trim() === '') return setProblem('Say where, such as s3://elsewhere/vault.');
    await backingUp.start('/v1/backup', { destination: location.trim() });
    onDone();
  };
  return (
    <Panel title="Another destination">
      <Field
        label="Location"
        hint="Where whoever can destroy the store can’t reach. The server goes there with its own credentials."
        error={problem}
      >
        {({ id, describedBy }) => (
          <input
            id={id}
            aria-describedby={describedBy}
            type="text"
            value={location}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => {
              setLocation(event.currentTarget.value);
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
  const shown = destinations?.find(({ location }) => location === picked) ?? destinations?.[0];
  return (
    <Page title="Backups" lead="Where the store is backed up, whether that is good, and how long a recovery takes.">
      <CurrentTask onDone={reload} />
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      {destinations === undefined && error === undefined && <Loading isSlow={isSlow} what="backups" />}
      {destinations?.length === 0 && (
        <Empty title="This store is not backed up">
          <p>What is lost now is lost.</p>
        </Empty>
      )}
      {destinations !== undefined && destinations.length > 1 && (
        <Choice
          legend="Destination"
          value={shown?.location ?? ''}
          options={destinations.map(({ location }) => ({ value: location, label: location }))}
          onChange={setPicked}
        />
      )}
      {shown !== undefined && may('backup.view') && (
        <>
          <div class="cards">
            <DestinationCard destination={shown.location} heading="h2" />
          </div>
          <Place key={shown.location} destination={shown.location} />
        </>
      )}
      {may('backup') && <SchedulesPanel />}
      {may('backup') && may('backup.manage') && <NewPlace onDone={reload} />}
    </Page>
  );
}
