import type { JSX } from 'preact';
import type { ApprovalRequest } from '@securestore/acl';
import { announce } from '../lib/announce.ts';
import { ask, get } from '../lib/api.ts';
import { useResource } from '../lib/resource.ts';
import { session } from '../lib/session.ts';
import { Badge, Button, Empty, Failure, Link, Loading, Panel } from '../parts/basics.tsx';
import type { Tone } from '../parts/basics.tsx';
import { PlanOfApproval } from '../parts/approval-plan.tsx';
import { Command } from '../parts/command.tsx';
import { Page } from '../parts/page.tsx';
import { Ago, Time } from '../parts/time.tsx';

const EVERY = 5000;
const TONES: Readonly<Record<ApprovalRequest['state'], Tone>> = {
  waiting: 'warn',
  approved: 'ok',
  denied: 'bad',
  outdated: 'bad',
};
const UNTIL: Readonly<Record<ApprovalRequest['state'], string>> = {
  waiting: 'waits',
  approved: 'counts',
  denied: 'is listed',
  outdated: 'is listed',
};

/** What is asked for most, in words. */
const IN_WORDS: Readonly<Partial<Record<ApprovalRequest['action'], string>>> = {
  'restore.replace': 'restore over what is in the store now:',
};

function Request({
  request,
  isOwn,
  onDecided,
}: {
  readonly request: ApprovalRequest;
  readonly isOwn: boolean;
  readonly onDecided: () => void;
}): JSX.Element {
  const { id, principal, action, key, reason, plan, created, expires, state, by } = request;
  const decide = async (what: 'approve' | 'deny'): Promise<void> => {
    await ask('POST', `/v1/approvals/${encodeURIComponent(id)}/${what}`, what === 'approve' ? { body: {} } : {});
    announce(what === 'approve' ? 'It is approved.' : 'It is denied.');
    onDecided();
  };
  return (
    <li class="request">
      <div class="request-head">
        <Badge tone={TONES[state]}>{state}</Badge>
        <strong class="wrap">{isOwn ? 'You' : <bdi>{principal}</bdi>}</strong>
        <span class="wrap">
          {isOwn ? 'want' : 'wants'} to {IN_WORDS[action] ?? 'do'} <code>{action}</code>
          {key !== undefined && (
            <>
              {' '}
              on <code>{key}</code>
            </>
          )}
        </span>
      </div>
      <PlanOfApproval plan={plan} />
      <p class="wrap">
        {reason === undefined ? (
          <span class="muted">No reason was given.</span>
        ) : (
          <>
            <bdi>{isOwn ? 'You write' : `${principal} writes`}</bdi>: “<bdi>{reason}</bdi>”
          </>
        )}
      </p>
      <p class="small muted">
        Asked <Ago of={created} />, {UNTIL[state]} until <Time of={expires} />
        {by !== undefined && (
          <>
            , {state === 'outdated' ? 'approved' : state} by <bdi>{by}</bdi>
          </>
        )}
      </p>
      {!isOwn && state === 'waiting' && (
        <>
          <div class="buttons">
            <Button
              kind="primary"
              label={`Approve, once, what ${principal} asks for`}
              onPress={async () => decide('approve')}
            >
              Approve, once
            </Button>
            <Button kind="danger" label={`Deny what ${principal} asks for`} onPress={async () => decide('deny')}>
              Deny
            </Button>
          </div>
          <Command request={{ type: 'approve', id }} />
        </>
      )}
      {state === 'outdated' && (
        <p>What it would do has changed since it was approved, so it passes nothing any more. Ask for it again.</p>
      )}
      {isOwn && state === 'approved' && (
        <p>
          {key === undefined ? <Link to="/recover/plan">Go on with the plan</Link> : 'Go back to the key to go on.'}
        </p>
      )}
    </li>
  );
}

/** What takes two people: what others ask for, and one's own. */
export function ApprovalsView(): JSX.Element {
  const { value, error, isSlow, reload } = useResource(
    'approvals',
    (asked) => get<{ requests: ApprovalRequest[] }>('/v1/approvals', {}, asked),
    EVERY,
  );
  const requests = value?.requests.toSorted((one, other) => other.created - one.created) ?? [];
  const own = requests.filter(({ principal }) => principal === session.value?.principal);
  const others = requests.filter(({ principal }) => principal !== session.value?.principal);
  return (
    <Page title="Approvals" lead="Some things take a second person. Nobody approves their own request.">
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      {value === undefined && error === undefined && <Loading isSlow={isSlow} what="requests" />}
      {value !== undefined && (
        <>
          <Panel title="For you to decide">
            {others.length === 0 ? (
              <Empty title="Nobody asks you for anything">
                <p>Requests that you may decide about appear here by themselves.</p>
              </Empty>
            ) : (
              <ul class="requests">
                {others.map((request) => (
                  <Request key={request.id} request={request} isOwn={false} onDecided={reload} />
                ))}
              </ul>
            )}
          </Panel>
          <Panel title="Yours">
            {own.length === 0 ? (
              <Empty title="You have asked for nothing">
                <p>Where something takes a second person, its page lets you ask.</p>
              </Empty>
            ) : (
              <ul class="requests">
                {own.map((request) => (
                  <Request key={request.id} request={request} isOwn onDecided={reload} />
                ))}
              </ul>
            )}
          </Panel>
          <Command request={{ type: 'approvals' }} />
        </>
      )}
    </Page>
  );
}
