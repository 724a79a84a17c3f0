import { useEffect, useRef, useState } from 'preact/hooks';
import { asApiError, unreadable } from './api.ts';
import type { ApiError } from './api.ts';

/** How long it may take until it is said that it takes long, in milliseconds. */
const SLOW_AFTER = 2500;

/** Something that is asked for. While it is asked for anew, what was there stays. */
export interface Resource<T> {
  readonly value: T | undefined;
  readonly error: ApiError | undefined;
  readonly isLoading: boolean;
  /** Whether it takes long. */
  readonly isSlow: boolean;
  readonly reload: () => void;
}

interface State<T> {
  readonly key: string | undefined;
  readonly value: T | undefined;
  readonly error: ApiError | undefined;
  readonly isLoading: boolean;
  readonly isSlow: boolean;
}

const NEW: State<never> = { key: undefined, value: undefined, error: undefined, isLoading: true, isSlow: false };

/**
 * @param key what it depends on: another one begins anew
 * @param load what `attended` says is whether somebody has asked for it, or the page by itself
 * @param every asks again from time to time, in milliseconds
 */
export function useResource<T>(
  key: string | undefined,
  load: (request: { readonly signal: AbortSignal; readonly unattended: boolean }) => Promise<T>,
  every?: number,
): Resource<T> {
  const [state, setState] = useState<State<T>>(NEW);
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  const isRepeated = useRef(false);

  useEffect(() => {
    if (key === undefined) return undefined;
    const gone = new AbortController();
    const unattended = isRepeated.current;
    isRepeated.current = false;
    setState((before) => (before.key === key ? { ...before, isLoading: true } : { ...NEW, key }));
    const slow = setTimeout(() => setState((before) => ({ ...before, isSlow: true })), SLOW_AFTER);
    const settle = (next: Partial<State<T>>): void => {
      clearTimeout(slow);
      if (gone.signal.aborted) return;
      setState((before) => ({ ...before, key, error: undefined, ...next, isLoading: false, isSlow: false }));
    };
    latest.current({ signal: gone.signal, unattended }).then(
      // What an answer lacks is not still to come.
      (value) => settle(value === undefined ? { error: unreadable() } : { value }),
      (error: unknown) => settle({ error: asApiError(error) }),
    );
    return () => {
      clearTimeout(slow);
      gone.abort();
    };
  }, [key, round]);

  useEffect(() => {
    if (every === undefined || key === undefined) return undefined;
    const timer = setInterval(() => {
      // A page that nobody sees asks for nothing.
      if (document.visibilityState !== 'visible') return;
      isRepeated.current = true;
      setRound((before) => before + 1);
    }, every);
    return () => clearInterval(timer);
  }, [every, key]);

  return { ...state, reload: () => setRound((before) => before + 1) };
}
