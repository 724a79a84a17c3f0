import type { ComponentChildren, JSX } from 'preact';
import { useId } from 'preact/hooks';

/**
 * Of each field that somebody types into: the browser neither remembers the text, as it does of forms and in its
 * sessions, nor corrects it, nor sends it to a service that looks at its spelling.
 */
export const UNKEPT = {
  autocomplete: 'off',
  autocapitalize: 'none',
  autocorrect: 'off',
  spellcheck: false,
} as const;

/** A field of a form, with what it is for. */
export function Field({
  label,
  hint,
  error,
  children,
}: {
  readonly label: ComponentChildren;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
  readonly children: (ids: { readonly id: string; readonly describedBy: string | undefined }) => ComponentChildren;
}): JSX.Element {
  const id = useId();
  const note = error ?? hint;
  return (
    <div class={`field${error === undefined ? '' : ' wrong'}`}>
      <label for={id}>{label}</label>
      {children({ id, describedBy: note === undefined ? undefined : `${id}-note` })}
      {note !== undefined && (
        <p
          id={`${id}-note`}
          class={error === undefined ? 'hint' : 'error-line'}
          role={error === undefined ? undefined : 'alert'}
        >
          {note}
        </p>
      )}
    </div>
  );
}

/** A choice of a few, as radio buttons with what each means. */
export function Choice<T extends string>({
  legend,
  value,
  options,
  onChange,
}: {
  readonly legend: string;
  readonly value: T;
  readonly options: readonly {
    readonly value: T;
    readonly label: string;
    readonly hint?: string;
    readonly disabled?: string | undefined;
  }[];
  readonly onChange: (value: T) => void;
}): JSX.Element {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend>{legend}</legend>
      {options.map(({ value: one, label, hint, disabled }) => (
        <label key={one} class={disabled === undefined ? undefined : 'disabled'}>
          <input
            type="radio"
            name={name}
            value={one}
            autocomplete="off"
            checked={one === value}
            disabled={disabled !== undefined}
            onChange={() => onChange(one)}
          />
          <span>
            <span class="label">{label}</span>
            {(disabled ?? hint) !== undefined && <span class="hint">{disabled ?? hint}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
