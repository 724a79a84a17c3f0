import { useEffect, useRef, useState } from 'preact/hooks';
import { announce } from './announce.ts';
import { whenUnseen } from './unseen.ts';

/** How long something is shown, in milliseconds. */
export const HIDES_AFTER = 30_000;

/** What somebody has asked to see, and what asks for it and hides it. */
interface Revealed<T> {
  readonly shown: T | undefined;
  readonly show: () => Promise<void>;
  readonly hide: () => void;
}

/**
 * What is asked for, and hides itself again: after its time, or when whoever looks may have gone.
 *
 * @param hidden what is announced when it has hidden itself
 */
export function useRevealed<T>(load: (signal: AbortSignal) => Promise<T>, hidden: string): Revealed<T> {
  const [shown, setShown] = useState<T>();
  const hiding = useRef<() => void>(undefined);
  const hide = (): void => hiding.current?.();
  useEffect(() => hide, []);
  const show = async (): Promise<void> => {
    hide();
    const asked = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const close = (): void => {
      stop();
      clearTimeout(timer);
      asked.abort();
      setShown(undefined);
    };
    // From now on: what comes when nobody looks any more is not shown.
    const closeByItself = (): void => {
      close();
      announce(hidden);
    };
    const stop = whenUnseen(closeByItself);
    hiding.current = close;
    try {
      const found = await load(asked.signal);
      if (asked.signal.aborted) return;
      setShown(() => found);
      timer = setTimeout(closeByItself, HIDES_AFTER);
    } catch (error) {
      if (asked.signal.aborted) return;
      close();
      throw error;
    }
  };
  return { shown, show, hide };
}
