import type { ComponentChildren, JSX } from 'preact';
import { Button } from './basics.tsx';
import { Field, UNKEPT } from './fields.tsx';

interface SearchProps {
  readonly label: string;
  readonly hint?: string;
  readonly error?: string | undefined;
  readonly value: string;
  /** What its button says. */
  readonly action: string;
  readonly isPrimary?: boolean;
  readonly onInput: (text: string) => void;
  readonly onSubmit: () => void;
  /** When it is emptied by the button that browsers put into it. */
  readonly onClear?: () => void;
  /** More buttons. */
  readonly children?: ComponentChildren;
}

/** A text that a list is searched by. */
export function Search({
  label,
  hint,
  error,
  value,
  action,
  isPrimary = false,
  onInput,
  onSubmit,
  onClear,
  children,
}: SearchProps): JSX.Element {
  return (
    <form
      class="search"
      role="search"
      autocomplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      <Field label={label} hint={hint} error={error}>
        {({ id, describedBy }) => (
          <input
            id={id}
            aria-describedby={describedBy}
            {...UNKEPT}
            type="search"
            value={value}
            maxLength={1024}
            onInput={(event) => onInput(event.currentTarget.value)}
            onSearch={(event) => event.currentTarget.value === '' && onClear?.()}
          />
        )}
      </Field>
      <Button kind={isPrimary ? 'primary' : 'plain'} type="submit">
        {action}
      </Button>
      {children}
    </form>
  );
}
