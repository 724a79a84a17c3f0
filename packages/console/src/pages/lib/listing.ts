import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from './api.ts';
import { asApiError, isApiError } from './api.ts';

/** A part of a listing, as the server gives it: it may be empty and not the last. */
export interface ListingPage<T> {
  readonly items: readonly T[];
  readonly after: string | undefined;
  /** How much has been looked through, from 0 to 1. */
  readonly progress: number;
}

/** A listing that comes a page at a time. */
export interface Listing<T> {
  readonly rows: readonly T[];
  readonly hasMore: boolean;
  readonly progress: number;
  readonly isLoading: boolean;
  readonly isSlow: boolean;
  readonly error: ApiError | undefined;
  /** Goes on, by default with the next page, until there are so many more. */
  readonly more: (rows?: number) => void;
  readonly reload: () => void;
}

interface State<T> {
  readonly rows: readonly T[];
  readonly after: string | undefined;
  readonly hasMore: boolean;
  readonly progress: number;
  readonly isLoading: boolean;
  readonly isSlow: boolean;
  readonly error: ApiError | undefined;
}

const START: State<never> = {
  rows: [],
  after: undefined,
  hasMore: true,
  progress: 0,
  isLoading: true,
  isSlow: false,
  error: undefined,
};

const SLOW_AFTER = 2500;
const AHEAD = 200;

/** How a listing is put in order, and how much of it is asked for. */
interface ListingOptions<T> {
  /** How many rows are asked for without anybody having come near their end: a page may be empty. */
  readonly ahead?: number;
  /** Puts all rows that there are in order. Without it they stay as they come. */
  readonly order?: (one: T, other: T) => number;
}

type Load<T> = (after: string | undefined, signal: AbortSignal) => Promise<ListingPage<T>>;

/**
 * @param key what it depends on: another one begins anew; `undefined` lists nothing
 */
export function useListing<T>(
  key: string | undefined,
  load: Load<T>,
  { ahead = AHEAD, order }: ListingOptions<T> = {},
): Listing<T> {
  const [state, setState] = useState<State<T>>(START);
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  const run = useRef<(from: State<T>) => void>(() => undefined);
  /** How many rows are wanted: more may be while others are on their way. */
  const wanted = useRef(0);
  const current = useRef<State<T>>(START);

  useEffect(() => {
    const gone = new AbortController();
    const set = (next: State<T>): void => {
      if (gone.signal.aborted) return;
      current.current = next;
      setState(next);
    };
    const work = async (from: State<T>): Promise<void> => {
      let now: State<T> = { ...from, isLoading: true, isSlow: false, error: undefined };
      set(now);
      const slow = setTimeout(() => set({ ...current.current, isSlow: true }), SLOW_AFTER);
      try {
        do {
          const { items, after, progress } = await latest.current(now.after, gone.signal);
          const joined = items.length === 0 ? now.rows : [...now.rows, ...items];
          const rows = order === undefined || items.length === 0 ? joined : joined.toSorted(order);
          now = { ...now, rows, after, progress, hasMore: after !== undefined };
          set(now);
        } while (!gone.signal.aborted && now.hasMore && now.rows.length < wanted.current);
        set({ ...now, isLoading: false, isSlow: false });
      } catch (error) {
        // A server that was started anew knows nothing of the pages of the one before.
        const isForgotten = now.after !== undefined && isApiError(error, 'INVALID_ARGUMENT');
        if (isForgotten && !gone.signal.aborted) return void work(START);
        set({ ...now, isLoading: false, isSlow: false, error: asApiError(error) });
      } finally {
        clearTimeout(slow);
      }
    };
    run.current = (from) => void work(from);
    wanted.current = ahead;
    if (key === undefined) set({ ...START, isLoading: false, hasMore: false });
    else void work(START);
    return () => gone.abort();
  }, [key, round]);

  const more = useCallback((rows = ahead) => {
    const now = current.current;
    wanted.current = Math.max(wanted.current, now.rows.length + rows);
    if (!now.isLoading && now.hasMore && now.error === undefined) run.current(now);
  }, []);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  return { ...state, more, reload };
}
