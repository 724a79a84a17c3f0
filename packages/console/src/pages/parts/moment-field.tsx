import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { localTime, parseTime, zoneOf } from '../lib/format.ts';
import { Field, UNKEPT } from './fields.tsx';

interface MomentFieldProps {
  readonly label: string;
  readonly value: Date | undefined;
  readonly onChange: (time: Date) => void;
}

/** A time to the second, as a text: it is written the same way everywhere, and can be pasted from a log. */
export function MomentField({ label, value, onChange }: MomentFieldProps): JSX.Element {
  const shown = value === undefined ? '' : localTime(value);
  const [typed, setTyped] = useState(shown);
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    setTyped(shown);
    setProblem(undefined);
  }, [shown]);
  const take = (): void => {
    if (typed === shown) return;
    const time = parseTime(typed);
    if (time === undefined) setProblem('Write it as 2026-11-27 14:03:22, or with Z at the end for UTC.');
    else onChange(time);
  };
  return (
    <Field
      label={label}
      hint={`By your clock, ${zoneOf(value ?? new Date())}; with Z at the end it is UTC.`}
      error={problem}
    >
      {({ id, describedBy }) => (
        <input
          id={id}
          class="moment-input"
          aria-describedby={describedBy}
          aria-invalid={problem !== undefined}
          {...UNKEPT}
          type="text"
          value={typed}
          placeholder="2026-11-27 14:03:22"
          onInput={(event) => setTyped(event.currentTarget.value)}
          onBlur={take}
          onKeyDown={(event) => {
            if (event.key === 'Enter') take();
          }}
        />
      )}
    </Field>
  );
}
