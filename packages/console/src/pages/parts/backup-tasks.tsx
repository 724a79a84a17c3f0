import type { ComponentChildren, JSX } from 'preact';
import { bytes, counted, duration } from '../lib/format.ts';
import { backingUp } from '../lib/work.ts';
import { Button, Failure, Notice, Panel } from './basics.tsx';
import { WorkProgress } from './progress.tsx';

/** What is done with a destination. */
export type Task = 'backup' | 'verify-backup' | 'drill';

export const TASKS: Readonly<Record<Task, { readonly title: string; readonly path: string; readonly what: string }>> = {
  backup: { title: 'Back up now', path: '/v1/backup', what: 'Backing up' },
  'verify-backup': { title: 'Verify', path: '/v1/backups/verify', what: 'Verifying' },
  drill: { title: 'Try a recovery', path: '/v1/backups/drill', what: 'Restoring to memory, and comparing' },
};

/** A problem that a drill has found, with the name of its object where that may be known. */
function named(problem: string, names: Readonly<Record<string, string>>): string {
  return problem.replace(/^object ([0-9a-f]+)/, (as, id: string) => {
    const name = Object.hasOwn(names, id) ? names[id] : undefined;
    return name === undefined ? as : `“${name}”`;
  });
}

/** What came of a backup, a verification or a drill, in a sentence. */
function outcomeOf(
  task: Task | undefined,
  report: unknown,
): { readonly ok: boolean; readonly text: ComponentChildren } {
  const { ok, objects, copied, failed, snapshots, findings, recovery, found, problems, names } = report as {
    readonly ok?: boolean;
    readonly objects?: number;
    readonly copied?: number;
    readonly failed?: readonly unknown[];
    readonly snapshots?: number;
    readonly findings?: readonly unknown[];
    readonly recovery?: number;
    readonly found?: number;
    readonly problems?: readonly string[];
    readonly names?: Readonly<Record<string, string>>;
  };
  if (task === 'drill') {
    const [first] = problems ?? [];
    const text = `${counted(objects ?? 0, 'object')} restored in ${duration(recovery ?? 0)}, ${counted(found ?? 0, 'problem')}.`;
    if (first === undefined) return { ok: ok === true, text };
    const wrong = (
      <>
        {text} First: <bdi>{named(first, names ?? {})}</bdi>
      </>
    );
    return { ok: ok === true, text: wrong };
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
export function CurrentTask({ onDone }: { readonly onDone: () => void }): JSX.Element | null {
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
      {state === 'paused' && (
        <Notice tone="warn">It is stopped. Start the same again, and it continues from here.</Notice>
      )}
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
