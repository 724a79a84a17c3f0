import type { JSX } from 'preact';
import type { HealthCheck, HealthReport } from '@securestore/health';
import type { ApprovalRequest } from '@securestore/acl';
import type { Wire, WorkRecord } from '@securestore/protocol';
import { get } from '../lib/api.ts';
import { counted, withLocalTimes } from '../lib/format.ts';
import { destinationsOf } from '../lib/points.ts';
import { useResource } from '../lib/resource.ts';
import { may, session } from '../lib/session.ts';
import { isRestore, workOf } from '../lib/work.ts';
import { Badge, Empty, Failure, Link, Loading, Panel } from '../parts/basics.tsx';
import type { Tone } from '../parts/basics.tsx';
import { Command } from '../parts/command.tsx';
import { DestinationGlance } from '../parts/destination-card.tsx';
import { NotBackedUp } from '../parts/not-backed-up.tsx';
import { Page } from '../parts/page.tsx';
import { Ago } from '../parts/time.tsx';

const EVERY = 60_000;
const TONES: Readonly<Record<HealthCheck['status'], Tone>> = {
  ok: 'ok',
  'not-set-up': 'neutral',
  degraded: 'warn',
  failing: 'bad',
};
const ORDER: readonly HealthCheck['status'][] = ['failing', 'degraded', 'ok', 'not-set-up'];

const rank = ({ status }: HealthCheck): number => ORDER.indexOf(status);

const isFinding = ({ status }: HealthCheck): boolean => status === 'degraded' || status === 'failing';

function Check({ check: { name, subject, status, reason, advice } }: { readonly check: HealthCheck }): JSX.Element {
  return (
    <li class={`check ${status}`}>
      <Badge tone={TONES[status]}>{status === 'not-set-up' ? 'not set up' : status}</Badge>
      <div>
        <p>
          <strong>{name}</strong>
          {subject !== undefined && (
            <span class="muted wrap">
              {' '}
              <bdi>{subject}</bdi>
            </span>
          )}
          : <bdi>{withLocalTimes(reason)}</bdi>
        </p>
        {advice !== '' && <p class="advice">{advice}</p>}
      </div>
    </li>
  );
}

function Health({ report }: { readonly report: Wire<HealthReport> }): JSX.Element {
  const checks = report.checks.toSorted((one, other) => rank(one) - rank(other));
  const bad = checks.filter(isFinding);
  const good = checks.filter((check) => !isFinding(check));
  return (
    <Panel title="Health" aside={<Ago of={report.time} />}>
      <p class={`verdict ${report.status}`}>
        <Badge tone={TONES[report.status]}>{report.status}</Badge>
        {bad.length === 0
          ? 'Everything that was looked at is as it should be.'
          : `${counted(bad.length, 'thing')} to look at.`}
      </p>
      {bad.length > 0 && (
        <ul class="checks">
          {bad.map((check) => (
            <Check key={`${check.name} ${check.subject ?? ''}`} check={check} />
          ))}
        </ul>
      )}
      {good.length > 0 && (
        <details>
          <summary>{counted(good.length, 'check')} without a finding</summary>
          <ul class="checks">
            {good.map((check) => (
              <Check key={`${check.name} ${check.subject ?? ''}`} check={check} />
            ))}
          </ul>
        </details>
      )}
      <Command request={{ type: 'health' }} />
    </Panel>
  );
}

function HealthPanel(): JSX.Element {
  const { value, error, isSlow, reload } = useResource(
    'health',
    (asked) => get<Wire<HealthReport>>('/v1/health', {}, asked),
    EVERY,
  );
  if (value !== undefined) return <Health report={value} />;
  return (
    <Panel title="Health">
      {error === undefined ? (
        <Loading isSlow={isSlow} what="how the store is" />
      ) : (
        <Failure error={error} onRetry={reload} />
      )}
    </Panel>
  );
}

interface Tasks {
  readonly work: readonly WorkRecord[];
  readonly requests: readonly ApprovalRequest[];
}

const STATES: Readonly<Record<WorkRecord['state'], string>> = {
  running: 'A restore is running',
  done: 'A restore is done',
  failed: 'A restore has stopped',
};

/** What waits for whoever is signed in: restores of theirs, and what others ask them for. */
function Waiting(): JSX.Element | null {
  const { value } = useResource(
    'tasks',
    async (asked): Promise<Tasks> => {
      const [work, { requests }] = await Promise.all([
        workOf(asked),
        get<{ requests: ApprovalRequest[] }>('/v1/approvals', {}, asked),
      ]);
      return { work, requests };
    },
    EVERY,
  );
  const restores = value?.work.filter(isRestore).slice(0, 3) ?? [];
  const requests =
    value?.requests.filter(({ state, principal }) => state === 'waiting' && principal !== session.value?.principal) ??
    [];
  if (restores.length === 0 && requests.length === 0) return null;
  return (
    <Panel title="For you">
      <ul class="tasks">
        {requests.map(({ id, principal, action, created }) => (
          <li key={id}>
            <span>
              <strong>
                <bdi>{principal}</bdi>
              </strong>{' '}
              asks you to approve <code>{action}</code>, <Ago of={created} />
            </span>
            <Link to="/approvals">Decide</Link>
          </li>
        ))}
        {restores.map(({ id, state, started }) => (
          <li key={id}>
            <span>
              {STATES[state]}, begun <Ago of={started} />
            </span>
            <Link to="/recover/run" state={{ work: id }}>
              {state === 'done' ? 'See the receipt' : 'Look at it'}
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Destinations(): JSX.Element {
  const { value, error, isSlow, reload } = useResource('destinations', destinationsOf);
  return (
    <Panel
      title="What can be restored"
      aside={
        value !== undefined &&
        value.length > 0 && (
          <Link to="/recover" isButton>
            Start a recovery
          </Link>
        )
      }
    >
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      {value === undefined && error === undefined && <Loading isSlow={isSlow} what="backups" />}
      {value?.length === 0 && (
        <NotBackedUp>
          What is lost now can’t be brought back. Make a first backup, out of reach of whoever could destroy the store.
        </NotBackedUp>
      )}
      {value !== undefined && value.length > 0 && (
        <div class="cards">
          {value.map(({ url }) => (
            <DestinationGlance key={url} destination={url} heading="h3" />
          ))}
        </div>
      )}
    </Panel>
  );
}

export function OverviewView(): JSX.Element {
  return (
    <Page title="Overview">
      <Waiting />
      {may('backup.view') && <Destinations />}
      {may('health') && <HealthPanel />}
      {!may('backup.view') && !may('health') && (
        <Empty title="There is little here that you may see">
          <p>
            You are signed in as <strong>{session.value?.principal}</strong>. To look at backups takes{' '}
            <code>backup.view</code>, to see how the store is <code>health</code>. Whoever administers the store grants
            them.
          </p>
        </Empty>
      )}
    </Page>
  );
}
