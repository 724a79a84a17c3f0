import type { ComponentChildren, JSX } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { announce } from '../lib/announce.ts';
import { nextSteps } from '../lib/advice.ts';
import type { ApiError } from '../lib/api.ts';
import { asApiError } from '../lib/api.ts';
import { split } from '../lib/format.ts';
import { go } from '../lib/router.ts';
import type { PlaceState } from '../lib/router.ts';

export type Tone = 'neutral' | 'ok' | 'warn' | 'bad' | 'accent';
type Children = { readonly children?: ComponentChildren };

interface ButtonProps extends Children {
  readonly kind?: 'primary' | 'plain' | 'danger' | 'quiet';
  readonly type?: 'button' | 'submit';
  readonly disabled?: boolean;
  readonly label?: string | undefined;
  readonly pressed?: boolean | undefined;
  /** What it begins may take its time: it shows that, and takes no second press. What it throws is shown beside it. */
  readonly onPress?: (() => Promise<void> | void) | undefined;
}

export function Button({
  kind = 'plain',
  type = 'button',
  disabled = false,
  label,
  pressed,
  onPress,
  children,
}: ButtonProps): JSX.Element {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const press = async (): Promise<void> => {
    if (isBusy || disabled) return;
    setError(undefined);
    setBusy(true);
    try {
      await onPress?.();
    } catch (caught) {
      setError(asApiError(caught));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <button
        type={type}
        class={`button ${kind}`}
        aria-disabled={disabled || isBusy}
        aria-busy={isBusy}
        aria-label={label}
        aria-pressed={pressed}
        onClick={onPress === undefined ? undefined : () => void press()}
      >
        {children}
      </button>
      {error !== undefined && <ErrorLine error={error} />}
    </>
  );
}

/** A link to another place of the pages. */
export function Link({
  to,
  state,
  label,
  isButton = false,
  current,
  children,
}: Children & {
  readonly to: string;
  readonly state?: PlaceState;
  readonly label?: string | undefined;
  readonly isButton?: boolean;
  readonly current?: boolean;
}): JSX.Element {
  return (
    <a
      href={`#${to}`}
      class={isButton ? 'button primary' : undefined}
      aria-label={label}
      aria-current={current === true ? 'page' : undefined}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        go(to, state);
      }}
    >
      {children}
    </a>
  );
}

export function Badge({ tone = 'neutral', children }: Children & { readonly tone?: Tone }): JSX.Element {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** A part of a page with a heading. */
export function Panel({
  title,
  aside,
  children,
}: Children & { readonly title: string; readonly aside?: ComponentChildren }): JSX.Element {
  const id = useId();
  return (
    <section class="panel" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside !== undefined && <div class="aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

/** Something that the person at the page has to know. */
export function Notice({
  tone = 'neutral',
  title,
  children,
}: Children & { readonly tone?: Tone; readonly title?: string }): JSX.Element {
  return (
    <div class={`notice ${tone}`}>
      {title !== undefined && <strong>{title}</strong>}
      <div>{children}</div>
    </div>
  );
}

/** What can be done about an error that has no advice of its own, by its code. */
const NEXT: Readonly<Record<string, string>> = {
  OFFLINE: 'Check that the server runs, and that this computer can reach it.',
  THROTTLED: 'Wait a moment, and try again.',
  LOCKED: 'Another process works on this. Wait until it has ended.',
  UNAVAILABLE: 'A part of the store can’t be reached now. Try again.',
  UNREADABLE:
    'A proxy, or the sign-in page of a network, may have answered instead of the server. Try again, or reload this page.',
  TIMEOUT: 'It took too long. Try again.',
  INTEGRITY: 'Stored data is damaged. Choose another moment, or another destination.',
};

/** A command to paste. */
export function CommandLine({ line, label }: { readonly line: string; readonly label: string }): JSX.Element {
  return (
    <div class="command">
      <pre tabIndex={0} role="group" aria-label={label}>
        <code>{line}</code>
      </pre>
      <Copy text={line} what="command" />
    </div>
  );
}

/** What can be done about an error: by its advice, or else by its code. */
function Next({ error }: { readonly error: ApiError }): JSX.Element | null {
  const steps = nextSteps(error.advice);
  const otherwise = NEXT[error.code];
  if (steps.length === 0) return otherwise === undefined ? null : <p>{otherwise}</p>;
  return (
    <>
      {steps.map(({ text, command }) => (
        <div key={text}>
          <p>{text}</p>
          {command !== undefined && <CommandLine line={command} label={text} />}
        </div>
      ))}
    </>
  );
}

/** What went wrong, and what to do. */
export function Failure({
  error,
  onRetry,
  title,
}: {
  readonly error: ApiError;
  readonly onRetry?: (() => void) | undefined;
  readonly title?: string;
}): JSX.Element {
  return (
    <div class="notice bad" role="alert">
      <strong>{title ?? (error.code === 'ACCESS_DENIED' ? 'You may not see this' : 'That did not work')}</strong>
      <div>
        <p>{error.message}</p>
        <Next error={error} />
        <p class="small">
          <code>{error.code}</code>
          {error.requestId !== undefined && (
            <>
              {' '}
              request <code>{error.requestId}</code>
            </>
          )}
        </p>
        {onRetry !== undefined && error.code !== 'ACCESS_DENIED' && <Button onPress={onRetry}>Try again</Button>}
      </div>
    </div>
  );
}

function ErrorLine({ error }: { readonly error: ApiError }): JSX.Element {
  return (
    <span class="error-line" role="alert">
      <bdi>{error.message}</bdi> <code>{error.code}</code>
      {nextSteps(error.advice).map(({ text, command }) => (
        <span key={text}>
          {' '}
          {text}
          {command !== undefined && (
            <>
              {' '}
              <code>{command}</code>
            </>
          )}
        </span>
      ))}
    </span>
  );
}

/** Where nothing is, and what would put something there. */
export function Empty({ title, children }: Children & { readonly title: string }): JSX.Element {
  return (
    <div class="empty">
      <strong>{title}</strong>
      <div>{children}</div>
    </div>
  );
}

export function Loading({ isSlow = false, what }: { readonly isSlow?: boolean; readonly what: string }): JSX.Element {
  return (
    <div class="loading" role="status">
      <span class="spinner" aria-hidden="true" />
      <span>
        Looking for {what}…{isSlow && ' This takes longer than usual.'}
      </span>
    </div>
  );
}

/** A name that may be long: its end shows as well as its beginning, and all of it can be read. */
export function Name({ of: name }: { readonly of: string }): JSX.Element {
  const [head, tail] = split(name);
  return (
    <span class="name" title={name}>
      <span class="head">{head}</span>
      {tail !== '' && <span class="tail">{tail}</span>}
    </span>
  );
}

/** Copies a text. */
export function Copy({ text, what }: { readonly text: string; readonly what: string }): JSX.Element {
  const [isDone, setDone] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setDone(true);
    announce(`The ${what} is copied.`);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setDone(false), 2000);
  };
  return (
    <Button kind="quiet" label={`${isDone ? 'Copied' : 'Copy'} the ${what}`} onPress={copy}>
      {isDone ? 'Copied' : 'Copy'}
    </Button>
  );
}
