import type { JSX } from 'preact';
import type { ApprovalPlan } from '@securestore/acl';
import { counted } from '../lib/format.ts';

const EFFECTS = { create: 'create', replace: 'replace', delete: 'delete' } as const;

/** What would be done, in counts. */
function countsIn({ creates, replaces, deletes }: ApprovalPlan): string | undefined {
  if (creates === undefined && replaces === undefined && deletes === undefined) return undefined;
  const counts: readonly (readonly [string, number | undefined])[] = [
    ['replace', replaces],
    ['delete', deletes],
    ['create', creates],
  ];
  const told = counts.flatMap(([what, count = 0]) => (count > 0 ? [`${what} ${counted(count, 'object')}`] : []));
  return told.length === 0 ? 'change no object' : told.join(', ');
}

/** What the call is given, in lines: how a policy changes is read one by one. */
function linesOf(name: string, value: unknown): readonly string[] {
  if (name === 'changes' && Array.isArray(value)) return value.map(String);
  return [typeof value === 'string' ? value : JSON.stringify(value)];
}

/** What the server would do, as it found when it was asked: this is what is approved. */
export function PlanOfApproval({ plan }: { readonly plan: ApprovalPlan | undefined }): JSX.Element {
  if (plan === undefined) {
    return (
      <p class="muted">Nobody has worked out what this would do: it was asked for before that, and passes nothing.</p>
    );
  }
  const { call, about = {}, objects = [], unnamed = 0 } = plan;
  const counts = countsIn(plan);
  return (
    <div class="approval-plan">
      <p>
        <strong>The server would {counts ?? (call === 'read' ? 'show this value' : 'run')}</strong>
        {counts === undefined && call !== 'read' && (
          <>
            {' '}
            <code>{call}</code>
          </>
        )}
        . Nothing else passes.
      </p>
      {Object.keys(about).length > 0 && (
        <dl class="facts">
          {Object.entries(about).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd class="wrap">
                {linesOf(name, value).map((line) => (
                  <div key={line}>
                    <bdi>{line}</bdi>
                  </div>
                ))}
              </dd>
            </div>
          ))}
        </dl>
      )}
      {objects.length > 0 && (
        <ul class="planned">
          {objects.map(({ key, effect }) => (
            <li key={key} class="wrap">
              {EFFECTS[effect]} <code>{key}</code>
            </li>
          ))}
        </ul>
      )}
      {unnamed > 0 && (
        <p class="muted small">
          {objects.length > 0 ? 'And ' : ''}
          {counted(unnamed, 'object')} that {unnamed === 1 ? 'is' : 'are'} not named here.
        </p>
      )}
    </div>
  );
}
