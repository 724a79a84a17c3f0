import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { DrillFacts, ScheduleInfo, SnapshotInfo } from '@securestore/backup';
import type { Wire, WireReceipts } from '@securestore/protocol';
import { get } from '../lib/api.ts';
import { bytes, count, counted, duration } from '../lib/format.ts';
import { destinationsOf, factsIn, receiptsOf, timelineOf } from '../lib/points.ts';
import { useResource } from '../lib/resource.ts';
import { may } from '../lib/session.ts';
import { backingUp } from '../lib/work.ts';
import { Badge, Button, Choice, Empty, Failure, Field, Loading, Name, Notice, Panel } from '../parts/basics.tsx';
import { Command } from '../parts/command.tsx';
import { DestinationCard } from '../parts/destination-card.tsx';
import { Page } from '../parts/page.tsx';
import { WorkProgress } from '../parts/progress.tsx';
import { Receipt } from '../parts/receipt.tsx';
import { Ago, Time } from '../parts/time.tsx';

type Task = 'backup' | 'verify-backup' | 'drill';

const TASKS: Readonly<Record<Task, { readonly title: string; readonly path: string; readonly what: string }>> = {
  backup: { title: 'Back up now', path: '/v1/backup', what: 'Backing up' },
  'verify-backup': { title: 'Verify', path: '/v1/backups/verify', what: 'Verifying' },
  drill: { title: 'Try a recovery', path: '/v1/backups/drill', what: 'Restoring to memory, and comparing' },
};

/** What came of a backup, a verification or a drill, in a sentence. */
function outcomeOf(task: Task | undefined, report: unknown): { readonly ok: boolean; readonly text: string } {
  const { ok, objects, copied, failed, snapshots, findings, recovery, found, problems } = report as {
    readonly ok?: boolean;
    readonly objects?: number;
    readonly copied?: number;
    readonly failed?: readonly unknown[];
    readonly snapshots?: number;
    readonly findings?: readonly unknown[];
    readonly recovery?: number;
    readonly found?: number;
    readonly problems?: readonly string[];
  };
  if (task === 'drill') {
    const wrong = problems?.[0] === undefined ? '' : ` First: ${problems[0]}`;
    const text = `${counted(objects ?? 0, 'object')} restored in ${duration(recovery ?? 0)}, ${counted(found ?? 0, 'problem')}.${wrong}`;
    return { ok: ok === true, text };
  }
  if (task === 'verify-backup')
    return {
      ok: ok === true,
      text: `${counted(snapshots ?? 0, 'snapshot')} read, ${counted(findings?.length ?? 0, 'finding')}.`,
    };
  return {
    ok: (failed?.length ?? 0) === 0,
    text: `${counted(objects ?? 0, 'object')}, ${bytes(copied ?? 0)} copied, ${counted(failed?.length ?? 0, 'failure')}.`,
  };
}

function taskAt(path: string | undefined): Task | undefined {
  return (Object.keys(TASKS) as Task[]).find((task) => TASKS[task].path === path);
}

/** What is done with backups at the moment, and what came of the last of it. */
function Current({ onDone }: { readonly onDone: () => void }): JSX.Element | null {
  const { state, path, progress, report, error, job } = backingUp.state.value;
  const task = taskAt(path);
  if (state === 'idle' || task === undefined) return null;
  const outcome = state === 'done' ? outcomeOf(task, report) : undefined;
  return (
    <Panel title={TASKS[task].title}>
      {(state === 'running' || state === 'stopping') && (
        <>
          <WorkProgress progress={progress} what={TASKS[task].what} />
          {job !== undefined && (
            <Button disabled={state === 'stopping'} onPress={async () => backingUp.stop()}>
              {state === 'stopping' ? 'Stopping…' : 'Stop'}
            </Button>
          )}
        </>
      )}
      {outcome !== undefined && (
        <Notice tone={outcome.ok ? 'ok' : 'bad'} title={outcome.ok ? 'Done' : 'Done, with problems'}>
          {outcome.text}
        </Notice>
      )}
      {state === 'paused' && <Notice tone="warn">It is stopped. The same again goes on with what is done.</Notice>}
      {error !== undefined && state === 'failed' && <Failure error={error} />}
      {state !== 'running' && state !== 'stopping' && (
        <Button
          onPress={() => {
            backingUp.leave();
            onDone();
          }}
        >
          Close
        </Button>
      )}
    </Panel>
  );
}

function Drills({ receipts }: { readonly receipts: WireReceipts }): JSX.Element {
  const [opened, setOpened] = useState<number>();
  if (receipts.drills.length === 0) {
    return (
      <Empty title="No drill yet">
        <p>
          A backup that was never restored is a hope. A drill restores it to memory, compares it with the store, and
          measures how long that takes.
        </p>
      </Empty>
    );
  }
  const shown = opened === undefined ? undefined : receipts.drills[opened];
  return (
    <>
      <div class="table" tabIndex={0} role="region" aria-label="Drills, a table">
        <table>
          <caption>Drills: recoveries that were tried, and how long they took.</caption>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col" class="number">
                Recovery took
              </th>
              <th scope="col" class="number">
                Objects
              </th>
              <th scope="col">Outcome</th>
              <th scope="col">
                <span class="hidden">Receipt</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {receipts.drills.slice(0, 10).map(({ time, receipt }, at) => {
              const facts = factsIn<DrillFacts>(receipt);
              return (
                <tr key={`${time} ${receipt.signature}`}>
                  <th scope="row">
                    <Time of={time} />
                  </th>
                  <td class="number">{facts === undefined ? '–' : duration(facts.recovery)}</td>
                  <td class="number">{facts === undefined ? '–' : count(facts.objects)}</td>
                  <td>
                    <Badge tone={facts?.ok === true ? 'ok' : 'bad'}>
                      {facts?.ok === true ? 'good' : `${count(facts?.found ?? 1)} wrong`}
                    </Badge>
                  </td>
                  <td>
                    <Button
                      kind="quiet"
                      pressed={opened === at}
                      label={`Receipt of the drill of ${time}`}
                      onPress={() => setOpened(opened === at ? undefined : at)}
                    >
                      Receipt
                    </Button>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {shown !== undefined && (
        <Receipt receipt={shown.receipt} name={`drill-receipt-${shown.time.slice(0, 10)}.json`} />
      )}
    </>
  );
}

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
          <Drills receipts={value.receipts} />
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

function SchedulesPanel(): JSX.Element {
  const { value, error, isSlow, reload } = useResource('schedules', async (asked) =>
    get<{ schedules: Wire<ScheduleInfo>[] }>('/v1/schedules', {}, asked),
  );
  return (
    <Panel title="Schedules">
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      {value === undefined && error === undefined && <Loading isSlow={isSlow} what="schedules" />}
      {value?.schedules.length === 0 && (
        <Empty title="Nothing is scheduled">
          <p>
            Backups are made by hand. <code>securestore schedule add</code> has them made by themselves.
          </p>
        </Empty>
      )}
      {value !== undefined && value.schedules.length > 0 && (
        <div class="table" tabIndex={0} role="region" aria-label="Schedules, a table">
          <table>
            <caption>What is done by itself, and how it goes.</caption>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">What</th>
                <th scope="col">Where</th>
                <th scope="col">When</th>
                <th scope="col">Next</th>
                <th scope="col">State</th>
              </tr>
            </thead>
            <tbody>
              {value.schedules.map(({ id, task, destination, cron, timeZone, next, failures, overdueSince }) => (
                <tr key={id}>
                  <th scope="row" class="wrap">
                    {id}
                  </th>
                  <td>{task}</td>
                  <td>
                    <Name of={destination} />
                  </td>
                  <td>
                    <code>{cron}</code> {timeZone ?? 'UTC'}
                  </td>
                  <td>{next === undefined ? 'paused' : <Time of={next} />}</td>
                  <td>
                    {overdueSince !== undefined ? (
                      <Badge tone="bad">
                        overdue since <Ago of={overdueSince} />
                      </Badge>
                    ) : failures > 0 ? (
                      <Badge tone="warn">{counted(failures, 'failure')} in a row</Badge>
                    ) : (
                      <Badge tone="ok">good</Badge>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Command request={{ type: 'schedules' }} />
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
      <Current onDone={reload} />
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
