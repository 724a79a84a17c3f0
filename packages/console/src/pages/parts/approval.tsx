import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ApprovalRequest } from '@securestore/acl';
import { ask, get } from '../lib/api.ts';
import { isFor } from '../lib/approval.ts';
import type { AskedApproval } from '../lib/approval.ts';
import { useResource } from '../lib/resource.ts';
import { session } from '../lib/session.ts';
import { Button, Failure, Loading, Notice } from './basics.tsx';
import { PlanOfApproval } from './approval-plan.tsx';
import { Field, UNKEPT } from './fields.tsx';
import { Ago, Time } from './time.tsx';

const EVERY = 3000;

/** The newest request of whoever is signed in for this. */
function ownFor(requests: readonly ApprovalRequest[], asked: AskedApproval): ApprovalRequest | undefined {
  const own = requests.filter((one) => one.principal === session.value?.principal && isFor(one, asked));
  return own.toSorted((one, other) => other.created - one.created)[0];
}

/** What a notice says of a request that passes nothing, or that there is none. */
function titleOf(state: ApprovalRequest['state'] | undefined): string {
  if (state === undefined) return 'This takes a second person';
  return state === 'denied' ? 'Your request was denied' : 'What was approved is not what it would do now';
}

function Ask({
  asked,
  reason,
  onAsked,
}: {
  readonly asked: AskedApproval;
  readonly reason: string;
  readonly onAsked: () => void;
}): JSX.Element {
  const [text, setText] = useState(reason);
  const send = async (): Promise<void> => {
    await ask('POST', '/v1/approvals', { body: { ...asked, ...(text !== '' && { reason: text }) } });
    onAsked();
  };
  return (
    <>
      <Field
        label="What for"
        hint="Whoever decides sees this as your words, beside what the server finds that it would do."
      >
        {({ id, describedBy }) => (
          <input
            id={id}
            aria-describedby={describedBy}
            {...UNKEPT}
            type="text"
            maxLength={500}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        )}
      </Field>
      <Button kind="primary" onPress={send}>
        Ask for approval
      </Button>
    </>
  );
}

/**
 * What takes a second person: asks for it, waits, and shows what there is to do once it is approved.
 *
 * @param asked what it is asked for: what it would do the server finds
 * @param reason what whoever decides is told
 */
export function Approval({
  asked,
  reason,
  children,
}: {
  readonly asked: AskedApproval;
  readonly reason: string;
  readonly children: JSX.Element;
}): JSX.Element {
  const { value, error, isSlow, reload } = useResource(
    'approvals',
    (request) => get<{ requests: ApprovalRequest[] }>('/v1/approvals', {}, request),
    EVERY,
  );
  if (value === undefined)
    return error === undefined ? (
      <Loading isSlow={isSlow} what="approvals" />
    ) : (
      <Failure error={error} onRetry={reload} />
    );
  const { action } = asked;
  const request = ownFor(value.requests, asked);
  if (request === undefined || request.state === 'denied' || request.state === 'outdated') {
    return (
      <Notice tone={request === undefined ? 'accent' : 'bad'} title={titleOf(request?.state)}>
        <p>
          {request?.state === 'denied' && request.by !== undefined && (
            <>
              It was denied by <bdi>{request.by}</bdi>.{' '}
            </>
          )}
          Nobody may do <code>{action}</code> alone here. Somebody else has to approve it; then you have an hour to
          start.
        </p>
        <Ask asked={asked} reason={reason} onAsked={reload} />
      </Notice>
    );
  }
  if (request.state === 'waiting') {
    return (
      <div class="notice warn" role="status">
        <strong>Waits for a second person</strong>
        <div>
          <p>
            You asked <Ago of={request.created} />. Tell somebody who may approve <code>{action}</code>: they find it
            under Approvals. This page goes on by itself.
          </p>
          <PlanOfApproval plan={request.plan} />
          <p class="small muted">
            Request <code>{request.id}</code>, until <Time of={request.expires} />
          </p>
        </div>
      </div>
    );
  }
  return (
    <>
      <Notice tone="ok" title="Approved">
        <p>
          By <bdi>{request.by ?? 'whoever unlocks the store'}</bdi>. It counts for one attempt that does exactly this,
          until <Time of={request.expires} />.
        </p>
        <PlanOfApproval plan={request.plan} />
      </Notice>
      {children}
      <details>
        <summary>It is refused since something has changed?</summary>
        <Ask asked={asked} reason={reason} onAsked={reload} />
      </details>
    </>
  );
}
