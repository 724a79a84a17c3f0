import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { StoreAction } from '@securestore/acl';
import type { WireRestoreReport } from '@securestore/protocol';
import { change, draft } from '../lib/draft.ts';
import type { Draft } from '../lib/draft-types.ts';
import { counted, duration } from '../lib/format.ts';
import { actionsOf, commandOf, newStoreOf, replaces, restoreOf, wordFor } from '../lib/plan.ts';
import { go } from '../lib/router.ts';
import { may, permission } from '../lib/session.ts';
import { verdictOf } from '../lib/verdict.ts';
import { restoring, Work } from '../lib/work.ts';
import { Approval } from '../parts/approval.tsx';
import { Button, Empty, Failure, Link, Notice, Panel } from '../parts/basics.tsx';
import { Field, UNKEPT } from '../parts/fields.tsx';
import { Command } from '../parts/command.tsx';
import { PlanDownload } from '../parts/plan-download.tsx';
import { problemOf, TARGETS, Where } from '../parts/plan-target.tsx';
import { WorkProgress } from '../parts/progress.tsx';
import { ChosenText, RecoveryPointLocator, RecoverPage } from '../parts/recover.tsx';
import { Counts } from '../parts/report.tsx';

/** Finds out what a restore would do. */
const planning = new Work('The plan is made, and nothing is changed yet.');

function DryRun({ body }: { readonly body: string }): JSX.Element {
  const { state, report, error, progress } = planning.state.value;
  const asked = JSON.stringify(planning.state.value.asked);
  const isOld = asked !== body;
  const look = async (): Promise<void> =>
    planning.start('/v1/restore', JSON.parse(body) as object, { ...(JSON.parse(body) as object), dryRun: true });
  const plan = report as WireRestoreReport | undefined;
  return (
    <Panel title="What will happen">
      {isOld || state === 'idle' ? (
        <>
          <p>This compares the backup with the store, and changes nothing.</p>
          <Button kind="primary" onPress={look}>
            Make the plan
          </Button>
        </>
      ) : (
        <>
          {state === 'running' && <WorkProgress progress={progress} what="Comparing the backup with the store" />}
          {error !== undefined && <Failure error={error} onRetry={() => void look()} />}
          {state === 'done' && plan !== undefined && (
            <>
              <Verdict plan={plan} />
              <Counts report={plan} caption={`${counted(plan.compared, 'object')} compared with now.`} />
              {plan.estimate !== undefined && verdictOf(plan, draft.value) === 'changes' && (
                <p>The restore may take about {duration(plan.estimate)}.</p>
              )}
            </>
          )}
        </>
      )}
      <Command request={commandOf(draft.value, { dryRun: true })} />
    </Panel>
  );
}

/** Why a plan leads to nothing, and what to choose instead. */
function Verdict({ plan }: { readonly plan: WireRestoreReport }): JSX.Element | null {
  const verdict = verdictOf(plan, draft.value);
  const { compared, skipped } = plan;
  if (verdict === 'stops') {
    return (
      <Notice tone="warn" title="This would stop before anything is changed">
        {counted(skipped, 'key')} {skipped === 1 ? 'is' : 'are'} there as another version, and you chose to stop then.
        Choose above what becomes of {skipped === 1 ? 'it' : 'them'}.
      </Notice>
    );
  }
  if (verdict === 'fails') {
    return <Notice tone="bad">None of it can be restored. Choose another moment, or another destination.</Notice>;
  }
  if (verdict === 'changes') return null;
  return (
    <Notice tone="ok" title="There is nothing to restore">
      {compared === 0
        ? 'Nothing of what you chose was there at that moment.'
        : skipped > 0
          ? `Nothing is missing. ${counted(skipped, 'key')} ${skipped === 1 ? 'is there as another version, and stays' : 'are there as other versions, and stay'} as you chose.`
          : 'All of it is in the store as it was then.'}
    </Notice>
  );
}

/** What there is to be typed before something is replaced. */
function Confirm({
  word,
  onStart,
  label,
}: {
  readonly word: string | undefined;
  readonly onStart: () => Promise<void> | void;
  readonly label: string;
}): JSX.Element {
  const [typed, setTyped] = useState('');
  const [problem, setProblem] = useState<string>();
  const start = async (): Promise<void> => {
    if (word !== undefined && typed !== word) {
      setProblem(`Type ${word} to confirm.`);
      return;
    }
    await onStart();
  };
  if (word === undefined) {
    return (
      <Button kind="primary" onPress={start}>
        {label}
      </Button>
    );
  }
  return (
    <form
      class="stack"
      autocomplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      <Field
        label={
          <>
            Type “<bdi>{word}</bdi>” to confirm
          </>
        }
        hint="This changes the store that others use."
        error={problem}
      >
        {({ id, describedBy }) => (
          <input
            id={id}
            aria-describedby={describedBy}
            {...UNKEPT}
            type="text"
            value={typed}
            onInput={(event) => {
              setTyped(event.currentTarget.value);
              setProblem(undefined);
            }}
          />
        )}
      </Field>
      <Button type="submit" kind="danger">
        {label}
      </Button>
    </form>
  );
}

function begin(): void {
  const { target } = draft.value;
  if (target.type === 'store') {
    void restoring.start('/v1/restore/store', newStoreOf(draft.value));
  } else {
    void restoring.start('/v1/restore', { ...restoreOf(draft.value), verify: true });
  }
  go('/recover/run', { expected: (planning.state.peek().report as WireRestoreReport | undefined)?.compared });
}

function reasonOf({ chosen, point }: Draft): string {
  const what =
    chosen.type === 'prefix'
      ? `everything below ${chosen.prefix}`
      : chosen.type === 'keys'
        ? counted(chosen.keys.length, 'key')
        : 'the whole store';
  const when = point.at ?? (point.snapshot === undefined ? 'the newest moment' : `snapshot ${point.snapshot}`);
  return `Restore ${what} as of ${when}`.slice(0, 500);
}

/** What of the rights that a restore takes counts for a plan: what replaces and deletes nothing asks nobody about that. */
function neededFor(one: Draft, plan: WireRestoreReport | undefined): readonly StoreAction[] {
  const isReplacing = plan === undefined || plan.replaced + plan.deleted > 0;
  return actionsOf(one).filter((action) => action !== 'restore.replace' || isReplacing);
}

function Start({ isPlanned }: { readonly isPlanned: boolean }): JSX.Element | null {
  const { target } = draft.value;
  if (target.type === 'download') return <PlanDownload />;
  const plan = planning.state.value.report as WireRestoreReport | undefined;
  // Nobody is asked to confirm, or to approve, what changes nothing.
  if (isPlanned && target.type !== 'store' && plan !== undefined && verdictOf(plan, draft.value) !== 'changes')
    return null;
  const isReplacing = replaces(draft.value);
  const waiting = neededFor(draft.value, plan).filter((action) => permission(action) === 'approval');
  const operation =
    target.type === 'store'
      ? { call: 'backups.restoreStore', about: newStoreOf(draft.value) }
      : { call: 'restore', about: restoreOf(draft.value) };
  const start = (
    <Confirm
      word={isReplacing ? wordFor(draft.value) : undefined}
      onStart={begin}
      label={target.type === 'store' ? 'Make the new store' : 'Start the restore'}
    />
  );
  return (
    <Panel title={isReplacing ? 'Confirm' : 'Start'}>
      {isPlanned || target.type === 'store' ? (
        <>
          {waiting.reduceRight(
            (inner, action) => (
              <Approval key={action} asked={{ action, operation }} reason={reasonOf(draft.value)}>
                {inner}
              </Approval>
            ),
            start,
          )}
          <p class="muted small">
            What is restored is read back and compared with the backup. You can pause it, and get a signed receipt at
            the end.
          </p>
        </>
      ) : (
        <p class="muted">Make the plan first: it shows what will change.</p>
      )}
      <Command request={commandOf(draft.value)} />
    </Panel>
  );
}

/** Where a recovery goes, what it will do, and its start. */
export function PlanView(): JSX.Element {
  const { destination, chosen, target } = draft.value;
  const [firstAllowed] = TARGETS.filter(({ target: one }) =>
    actionsOf({ ...draft.value, target: one, conflict: 'skip' }).every(may),
  );
  const isAllowed = actionsOf(draft.value).every(may);
  useEffect(() => {
    if (!isAllowed && firstAllowed !== undefined) change({ target: firstAllowed.target, conflict: 'fail' });
  }, [isAllowed, firstAllowed]);

  if (destination === undefined || chosen.type === 'nothing') {
    return (
      <RecoverPage title="Plan">
        <Empty title="Nothing is chosen yet">
          <Link to={destination === undefined ? '/recover' : '/recover/browse'} isButton>
            {destination === undefined ? 'Choose a moment' : 'Choose what to restore'}
          </Link>
        </Empty>
      </RecoverPage>
    );
  }
  const body = JSON.stringify(restoreOf(draft.value));
  const { state, asked } = planning.state.value;
  const isPlanned = state === 'done' && JSON.stringify(asked) === body;
  const problem = problemOf(draft.value);
  return (
    <RecoverPage
      title="Plan"
      lead={
        <>
          <ChosenText chosen={chosen} />, as of <RecoveryPointLocator of={draft.value} />.{' '}
          <Link to="/recover/browse">Choose something else</Link>
        </>
      }
    >
      <Where />
      {(target.type === 'place' || target.type === 'prefix') && problem === undefined && may('restore') && (
        <DryRun body={body} />
      )}
      {problem === undefined ? <Start isPlanned={isPlanned} /> : <Notice tone="warn">{problem}</Notice>}
    </RecoverPage>
  );
}
