import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ApprovalRequest, StoreAction } from '@securestore/acl';
import { ask, get } from '../lib/api.ts';
import { useResource } from '../lib/resource.ts';
import { session } from '../lib/session.ts';
import { Button, Failure, Loading, Notice } from './basics.tsx';
import { Field, UNKEPT } from './fields.tsx';
import { Ago, Time } from './time.tsx';

const EVERY = 3000;

/** The newest request of whoever is signed in for an action. */
function ownFor(requests: readonly ApprovalRequest[], action: StoreAction): ApprovalRequest | undefined {
  const own = requests.filter(
    (one) => one.principal === session.value?.principal && one.action === action && one.key === undefined,
  );
  return own.toSorted((one, other) => other.created - one.created)[0];
}

function Ask({
  action,
  reason,
  onAsked,
}: {
  readonly action: StoreAction;
  readonly reason: string;
  readonly onAsked: () => void;
}): JSX.Element {
  const [text, setText] = useState(reason);
  const send = async (): Promise<void> => {
    await ask('POST', '/v1/approvals', { body: { action, ...(text !== '' && { reason: text }) } });
    onAsked();
  };
  return (
    <>
      <Field label="What for" hint="Whoever decides sees this.">
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
 * @param reason what whoever decides is told
 */
export function Approval({
  action,
  reason,
  children,
}: {
  readonly action: StoreAction;
  readonly reason: string;
  readonly children: JSX.Element;
}): JSX.Element {
  const { value, error, isSlow, reload } = useResource(
    'approvals',
    (asked) => get<{ requests: ApprovalRequest[] }>('/v1/approvals', {}, asked),
    EVERY,
  );
  if (value === undefined)
    return error === undefined ? (
      <Loading isSlow={isSlow} what="approvals" />
    ) : (
      <Failure error={error} onRetry={reload} />
    );
  const request = ownFor(value.requests, action);
  if (request === undefined || request.state === 'denied') {
    return (
      <Notice
        tone={request === undefined ? 'accent' : 'bad'}
        title={request === undefined ? 'This takes a second person' : 'Your request was denied'}
      >
        <p>
          {request?.by !== undefined && (
            <>
              It was denied by <bdi>{request.by}</bdi>.{' '}
            </>
          )}
          Nobody may do <code>{action}</code> alone here. Somebody else has to approve it; then you have an hour to
          start.
        </p>
        <Ask action={action} reason={reason} onAsked={reload} />
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
          By <bdi>{request.by ?? 'whoever unlocks the store'}</bdi>. It counts for one attempt, until{' '}
          <Time of={request.expires} />.
        </p>
      </Notice>
      {children}
    </>
  );
}
