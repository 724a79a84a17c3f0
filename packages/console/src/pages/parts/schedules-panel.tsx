import type { JSX } from 'preact';
import type { ScheduleInfo } from '@securestore/backup';
import type { Wire } from '@securestore/protocol';
import { get } from '../lib/api.ts';
import { counted } from '../lib/format.ts';
import { useResource } from '../lib/resource.ts';
import { Badge, Empty, Failure, Loading, Name, Panel } from './basics.tsx';
import { Command } from './command.tsx';
import { Table } from './table.tsx';
import type { TableColumn } from './table.tsx';
import { Ago, Time } from './time.tsx';

type Schedule = Wire<ScheduleInfo>;

function stateOf({ failures, last, next, overdueSince }: Schedule): JSX.Element {
  if (overdueSince !== undefined) {
    return (
      <Badge tone="bad">
        was due <Ago of={overdueSince} />
      </Badge>
    );
  }
  if (failures > 0) return <Badge tone="warn">{counted(failures, 'failure')} in a row</Badge>;
  // Whether any process runs it shows only by its runs.
  if (last !== undefined) {
    return (
      <Badge tone="ok">
        ran <Ago of={last.started} />
      </Badge>
    );
  }
  return <Badge>{next === undefined ? 'paused' : 'has not run yet'}</Badge>;
}

const COLUMNS: readonly TableColumn<Schedule>[] = [
  { title: 'Name', class: 'wrap', cell: ({ id }) => id },
  { title: 'What', cell: ({ task }) => task },
  { title: 'Where', cell: ({ destination }) => <Name of={destination} /> },
  {
    title: 'When',
    cell: ({ cron, timeZone }) => (
      <>
        <code>{cron}</code> {timeZone ?? 'UTC'}
      </>
    ),
  },
  { title: 'Next', cell: ({ next }) => (next === undefined ? 'paused' : <Time of={next} />) },
  { title: 'State', cell: stateOf },
];

/** When the store is backed up by itself, and how that goes. */
export function SchedulesPanel(): JSX.Element {
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
            A backup is made only when somebody makes it.{' '}
            <code>securestore schedule add NAME DESTINATION --cron TIMES</code> has it made regularly.
          </p>
        </Empty>
      )}
      {value !== undefined && value.schedules.length > 0 && (
        <Table
          label="Schedules"
          caption="What is done while some process runs the schedules, and how that goes."
          columns={COLUMNS}
          rows={value.schedules}
          keyOf={({ id }) => id}
        />
      )}
      <Command request={{ type: 'schedules' }} />
    </Panel>
  );
}
