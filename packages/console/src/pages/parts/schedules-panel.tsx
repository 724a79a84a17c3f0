import type { JSX } from 'preact';
import type { ScheduleInfo } from '@securestore/backup';
import type { Wire } from '@securestore/protocol';
import { get } from '../lib/api.ts';
import { counted } from '../lib/format.ts';
import { useResource } from '../lib/resource.ts';
import { Badge, Empty, Failure, Loading, Name, Panel } from './basics.tsx';
import { Command } from './command.tsx';
import { Ago, Time } from './time.tsx';

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
