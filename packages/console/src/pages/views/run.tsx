import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { WireRestoreReport, WireRestoredAccess } from '@securestore/protocol';
import { ask, asApiError } from '../lib/api.ts';
import type { ApiError } from '../lib/api.ts';
import { now } from '../lib/clock.ts';
import { EMPTY_DRAFT } from '../lib/draft.ts';
import { counted, duration } from '../lib/format.ts';
import { amend, go, place } from '../lib/router.ts';
import { may } from '../lib/session.ts';
import { isRestore, restoring, workOf } from '../lib/work.ts';
import type { WorkState } from '../lib/work.ts';
import { Button, Empty, Failure, Link, Loading, Notice, Panel } from '../parts/basics.tsx';
import { WorkProgress } from '../parts/progress.tsx';
import { Receipt } from '../parts/receipt.tsx';
import { RecoverPage } from '../parts/recover.tsx';
import { Counts } from '../parts/report.tsx';
import { Time } from '../parts/time.tsx';

/** What making a new store reports, which has fewer counts, and a restore into one. */
type Restored = (WireRestoreReport | (Partial<WireRestoreReport> & { readonly created?: never })) & {
  readonly access?: WireRestoredAccess;
};

function Running({ state }: { readonly state: WorkState }): JSX.Element {
  const isStopping = state.state === 'stopping';
  return (
    <Panel
      title="Restoring"
      aside={state.started !== undefined && <span class="muted">for {duration(now.value - state.started)}</span>}
    >
      {state.isCutOff === true && (
        <Notice tone="warn">
          The server can’t be reached. The restore goes on there, and this page tries again by itself.
        </Notice>
      )}
      <WorkProgress progress={state.progress} what="Restoring" expected={place.value.state.expected} />
      <div class="buttons">
        <Button disabled={isStopping || state.job === undefined} onPress={async () => restoring.stop()}>
          {isStopping ? 'Stopping…' : 'Pause'}
        </Button>
        <span class="muted small">
          You may close this page. The restore runs at the server; Overview leads back to it.
        </span>
      </div>
    </Panel>
  );
}

/** Gives up a restore that was stopped. What it has done stays. */
async function giveUp({ record, job, asked }: WorkState): Promise<void> {
  const { prefix, keys } = (asked ?? {}) as { readonly prefix?: string; readonly keys?: readonly string[] };
  const isWhole = prefix === undefined && keys === undefined;
  if (isWhole && may('restore')) await ask('POST', '/v1/restore/end').catch(() => undefined);
  if (job !== undefined && may('jobs'))
    await ask('DELETE', `/v1/jobs/${encodeURIComponent(job)}`).catch(() => undefined);
  if (record !== undefined) await ask('DELETE', `/v1/work/${encodeURIComponent(record)}`);
  restoring.leave();
  go('/recover', { draft: EMPTY_DRAFT });
}

function Stopped({ state }: { readonly state: WorkState }): JSX.Element {
  const isPaused = state.state === 'paused';
  const done = state.progress?.done ?? 0;
  return (
    <Panel title={isPaused ? 'Paused' : 'The restore has stopped'}>
      {isPaused ? (
        <Notice tone="warn" title="Nothing happens until you continue">
          {done > 0 ? `${counted(done, 'object')} ${done === 1 ? 'is' : 'are'} done; it continues with the rest. ` : ''}
          If you give up, what is done stays. What it replaced is in the history of each key.
        </Notice>
      ) : (
        state.error !== undefined && <Failure error={state.error} title="It did not finish" />
      )}
      <div class="buttons">
        {state.asked !== undefined && (
          <Button kind="primary" onPress={() => void restoring.again()}>
            Continue
          </Button>
        )}
        <Button kind="danger" onPress={async () => giveUp(state)}>
          Give up
        </Button>
        <Link to="/recover/plan">Back to the plan</Link>
      </div>
    </Panel>
  );
}

/** Of when it is who may open the new store, and do what with it. */
function Access({ access: { time, generation, policy } }: { readonly access: WireRestoredAccess }): JSX.Element {
  return (
    <p>
      Slots, members and keys are those of <Time of={Date.parse(time)} /> (generation {generation}).{' '}
      {policy === undefined ? (
        'There is no access policy.'
      ) : (
        <>
          The access policy is version {policy.version}, as of <Time of={Date.parse(policy.time)} />,{' '}
          {policy.source === 'store' ? 'of the store that was open, applied on top' : 'of the backup'}.
        </>
      )}{' '}
      Whoever lost access after that has it in the new store.
    </p>
  );
}

function Done({ report }: { readonly report: Restored }): JSX.Element {
  const { failed = [], verified, took, receipt } = report;
  const isGood = failed.length === 0;
  return (
    <>
      <Panel title={isGood ? 'Restored' : 'Restored, with failures'}>
        <Notice tone={isGood ? 'ok' : 'bad'} title={isGood ? 'It is back' : 'Some of it is not back'}>
          {verified !== undefined &&
            verified > 0 &&
            `${counted(verified, 'object')} ${verified === 1 ? 'was' : 'were'} read back and compared with the backup. `}
          {took !== undefined && `It took ${duration(took)}.`}
        </Notice>
        {report.created !== undefined && <Counts report={report} caption="What was done" />}
        {report.access !== undefined && <Access access={report.access} />}
        {report.before !== undefined && (
          <p class="muted">
            The store as it was before this restore is snapshot {report.before} of the same destination. To undo this
            restore, restore that snapshot.
          </p>
        )}
      </Panel>
      {receipt !== undefined && (
        <Panel title="Receipt">
          <Receipt receipt={receipt} name={`restore-receipt-${new Date().toISOString().slice(0, 10)}.json`} />
        </Panel>
      )}
      <p class="next">
        {may('audit.view') && <Link to="/audit">See it in the audit log</Link>}
        <Link to="/recover" state={{ draft: EMPTY_DRAFT }}>
          Start another recovery
        </Link>
      </p>
    </>
  );
}

/** A restore under way, and what came of it. It is found again after the page was loaded anew. */
export function RunView(): JSX.Element {
  const state = restoring.state.value;
  const { work } = place.value.state;
  const [isLooking, setLooking] = useState(state.state === 'idle');
  const [error, setError] = useState<ApiError>();

  const find = async (): Promise<void> => {
    setError(undefined);
    try {
      const record = work ?? (await workOf()).find(isRestore)?.id;
      // Following goes on for as long as it runs; what is known at once is shown at once.
      if (record !== undefined) void restoring.attach(record).catch((caught: unknown) => setError(asApiError(caught)));
    } catch (caught) {
      setError(asApiError(caught));
    } finally {
      setLooking(false);
    }
  };
  useEffect(() => {
    const known = restoring.state.peek();
    if (known.state === 'idle' || (work !== undefined && known.record !== undefined && known.record !== work))
      void find();
    else setLooking(false);
  }, [work]);
  // So that it is found again after a reload.
  useEffect(() => {
    if (state.record !== undefined && state.record !== work) amend({ work: state.record });
  }, [state.record]);

  return (
    <RecoverPage title="Restore">
      {error !== undefined && <Failure error={error} onRetry={() => void find()} />}
      {state.state === 'idle' && error === undefined && (isLooking ? <Loading what="a restore" /> : <Nothing />)}
      {(state.state === 'running' || state.state === 'stopping') && <Running state={state} />}
      {(state.state === 'paused' || state.state === 'failed') && <Stopped state={state} />}
      {state.state === 'done' && <Done report={state.report ?? {}} />}
    </RecoverPage>
  );
}

function Nothing(): JSX.Element {
  return (
    <Empty title="No restore of yours is known">
      <p>The server remembers a restore for a day after its end.</p>
      <Link to="/recover" isButton>
        Start a recovery
      </Link>
    </Empty>
  );
}
