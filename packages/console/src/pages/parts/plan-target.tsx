import type { JSX } from 'preact';
import { change, draft } from '../lib/draft.ts';
import type { Conflict, Draft, Target } from '../lib/draft-types.ts';
import { actionsOf } from '../lib/plan.ts';
import { may } from '../lib/session.ts';
import { Panel } from './basics.tsx';
import { Choice, Field, UNKEPT } from './fields.tsx';

/** Where a restore may go. */
export const TARGETS: readonly {
  readonly value: Target['type'];
  readonly label: string;
  readonly hint: string;
  readonly target: Target;
}[] = [
  {
    value: 'place',
    label: 'In place',
    hint: 'Where it was. What is there now stays in its history.',
    target: { type: 'place', deleteExtra: false },
  },
  {
    value: 'prefix',
    label: 'Below a new prefix',
    hint: 'Beside what is there, to look at it first. What is there now stays as it is.',
    target: { type: 'prefix', into: 'restored/' },
  },
  {
    value: 'store',
    label: 'To a new store elsewhere',
    hint: 'Made at a store URL that the server can reach.',
    target: { type: 'store', to: '' },
  },
  {
    value: 'download',
    label: 'Download',
    hint: 'To this computer, as a tar file that is not encrypted. It is recorded.',
    target: { type: 'download' },
  },
];

const CONFLICTS: readonly { readonly value: Conflict; readonly label: string; readonly hint: string }[] = [
  { value: 'overwrite', label: 'Replace it', hint: 'The old version becomes the current one again.' },
  { value: 'newer', label: 'Replace it if it is older', hint: 'What was stored after the chosen moment stays.' },
  { value: 'skip', label: 'Leave it', hint: 'Only what is missing comes back.' },
  { value: 'rename', label: 'Put the old one beside it', hint: 'As “name (restored)”.' },
  { value: 'fail', label: 'Stop before anything is changed', hint: 'If there is even one such key.' },
];

/** Why a draft can't be carried out yet. */
export function problemOf({ target, chosen }: Draft): string | undefined {
  if (target.type === 'prefix' && target.into === '') return 'Say under which prefix.';
  if (target.type === 'store' && target.to.trim() === '') return 'Say where the new store is to be.';
  if (target.type === 'store' && chosen.type === 'keys')
    return 'A new store is made of everything, or of a folder: choose one of these.';
  return undefined;
}

/** Where it goes, and what becomes of what is there. */
export function Where(): JSX.Element {
  const { target, conflict, chosen } = draft.value;
  const options = TARGETS.filter(({ target: one }) =>
    actionsOf({ ...draft.value, target: one, conflict: one.type === 'prefix' ? 'skip' : conflict }).every(may),
  );
  return (
    <Panel title="Where to">
      <div class="where">
        <div>
          <Choice
            legend="Target"
            value={target.type}
            options={options}
            onChange={(type) => {
              const chosenTarget = TARGETS.find(({ value }) => value === type)?.target;
              if (chosenTarget !== undefined)
                change({ target: chosenTarget, ...(type === 'prefix' && { conflict: 'fail' }) });
            }}
          />
          {target.type === 'prefix' && (
            <Field
              label="New prefix"
              hint="Names begin with this instead of the folder that was chosen."
              error={target.into === '' ? problemOf(draft.value) : undefined}
            >
              {({ id, describedBy }) => (
                <input
                  id={id}
                  aria-describedby={describedBy}
                  {...UNKEPT}
                  type="text"
                  value={target.into}
                  onInput={(event) => change({ target: { type: 'prefix', into: event.currentTarget.value } })}
                />
              )}
            </Field>
          )}
          {target.type === 'store' && (
            <Field
              label="Store URL of the new store"
              hint="Such as sqlite:/srv/recovered.db. The server looks there with its own files and credentials."
            >
              {({ id, describedBy }) => (
                <input
                  id={id}
                  aria-describedby={describedBy}
                  {...UNKEPT}
                  type="text"
                  value={target.to}
                  onInput={(event) => change({ target: { type: 'store', to: event.currentTarget.value } })}
                />
              )}
            </Field>
          )}
        </div>
        <div>
          {(target.type === 'place' || target.type === 'prefix') && (
            <Choice
              legend="If a key has another version now"
              value={conflict}
              options={
                target.type === 'prefix' && !may('restore.replace')
                  ? CONFLICTS.filter(({ value }) => value !== 'overwrite' && value !== 'newer')
                  : CONFLICTS
              }
              onChange={(value) => change({ conflict: value })}
            />
          )}
          {target.type === 'place' && chosen.type !== 'keys' && conflict !== 'rename' && (
            <label class="check-line">
              <input
                type="checkbox"
                autocomplete="off"
                checked={target.deleteExtra}
                onChange={(event) => change({ target: { type: 'place', deleteExtra: event.currentTarget.checked } })}
              />
              <span>
                <span class="label">Delete what was not there then</span>
                <span class="hint">So that it is exactly as it was. Deleted keys keep their history.</span>
              </span>
            </label>
          )}
        </div>
      </div>
    </Panel>
  );
}
