import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** A column of a long list. */
export interface Column<T> {
  readonly title: string;
  readonly class: string;
  readonly cell: (row: T, index: number) => ComponentChildren;
}

interface RowsProps<T> {
  /** What the list holds, for those who don't see it. */
  readonly label: string;
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  readonly keyOf: (row: T) => string;
  readonly hasMore?: boolean;
  readonly onNearEnd?: () => void;
  /** When somebody goes to the end of what is not all there yet. As soon as it is, they are there. */
  readonly onEnd?: () => void;
  readonly onOpen?: ((row: T) => void) | undefined;
  /** Chooses a row, or no longer. Without it there is nothing to choose. */
  readonly onToggle?: ((row: T) => void) | undefined;
  readonly isSelected?: (row: T) => boolean;
  /** Begins at the top again with another one. */
  readonly resetKey?: string;
}

const NARROW = '(max-width: 700px)';
const ROW = { wide: 40, narrow: 76 } as const;
/** Rows that are there above and below what is seen. */
const BEYOND = 10;
const NEAR_END = 60;

function useRowHeight(): number {
  const [isNarrow, setNarrow] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const query = matchMedia(NARROW);
    const look = (): void => setNarrow(query.matches);
    query.addEventListener('change', look);
    return () => query.removeEventListener('change', look);
  }, []);
  return isNarrow ? ROW.narrow : ROW.wide;
}

/**
 * A list of any length, of which only what is seen is there. One of its rows takes the focus; the arrows, Page Up and Page Down, Home and End
 * move it, Enter opens, Space chooses.
 */
export function Rows<T>(props: RowsProps<T>): JSX.Element {
  const {
    label,
    rows,
    columns,
    keyOf,
    hasMore = false,
    onNearEnd,
    onEnd,
    onOpen,
    onToggle,
    isSelected,
    resetKey,
  } = props;
  const height = useRowHeight();
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const [active, setActive] = useState(0);
  const wantsFocus = useRef(false);
  const wantsEnd = useRef(false);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const look = (): void => setView({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, []);

  useLayoutEffect(() => {
    if (scroller.current !== null) scroller.current.scrollTop = 0;
    setActive(0);
  }, [resetKey]);

  const first = Math.max(0, Math.floor(view.top / height) - BEYOND);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / height) + BEYOND);
  useEffect(() => {
    if (hasMore && last > rows.length - NEAR_END) onNearEnd?.();
  }, [last, rows.length, hasMore, onNearEnd]);

  const at = Math.min(active, Math.max(0, rows.length - 1));
  useLayoutEffect(() => {
    if (!wantsFocus.current) return;
    wantsFocus.current = false;
    scroller.current?.querySelector<HTMLElement>('[role=row][tabindex="0"]')?.focus({ preventScroll: true });
  });

  const move = (to: number): void => {
    const target = Math.max(0, Math.min(rows.length - 1, to));
    const element = scroller.current;
    if (element !== null) {
      const top = target * height;
      if (top < element.scrollTop) element.scrollTop = top;
      else if (top + height > element.scrollTop + element.clientHeight)
        element.scrollTop = top + height - element.clientHeight;
      setView({ top: element.scrollTop, height: element.clientHeight });
    }
    wantsFocus.current = true;
    setActive(target);
  };

  useLayoutEffect(() => {
    if (!wantsEnd.current || hasMore) return;
    wantsEnd.current = false;
    // Who has gone elsewhere meanwhile stays there.
    if (scroller.current?.contains(document.activeElement) === true) move(rows.length - 1);
  }, [rows.length, hasMore]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || rows.length === 0) return;
    const page = Math.max(1, Math.floor(view.height / height) - 1);
    const row = rows[at];
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: rows.length - 1,
    };
    const to = moves[event.key];
    // Whoever does something else meanwhile stays where they are.
    wantsEnd.current = event.key === 'End' && hasMore && onEnd !== undefined;
    if (wantsEnd.current) onEnd?.();
    if (to !== undefined) move(to);
    else if (event.key === 'Enter' && row !== undefined && onOpen !== undefined) onOpen(row);
    else if (event.key === ' ' && row !== undefined && onToggle !== undefined) onToggle(row);
    else return;
    event.preventDefault();
  };

  const indexes = Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset);
  // What has the focus stays, wherever the list is scrolled to.
  if (rows.length > 0 && (at < first || at >= last)) indexes.push(at);

  return (
    <div
      class="rows"
      role="grid"
      aria-label={label}
      aria-rowcount={hasMore ? -1 : rows.length + 1}
      aria-multiselectable={onToggle !== undefined}
    >
      <div class="rows-head" role="row" aria-rowindex={1}>
        {columns.map(({ title, class: name }) => (
          <span key={title} role="columnheader" class={`cell ${name}`}>
            <span class={name === 'pick' ? 'hidden' : undefined}>{title}</span>
          </span>
        ))}
      </div>
      <div
        class="rows-body"
        role="rowgroup"
        ref={scroller}
        onKeyDown={onKeyDown}
        onPointerDown={() => (wantsEnd.current = false)}
        onWheel={() => (wantsEnd.current = false)}
        style={{ height: `${rows.length * height}px` }}
      >
        <div class="rows-space" role="presentation" style={{ height: `${rows.length * height}px` }} />
        {indexes.map((index) => {
          const row = rows[index];
          if (row === undefined) return null;
          const selected = isSelected?.(row) ?? false;
          return (
            <div
              key={keyOf(row)}
              role="row"
              class="row"
              tabIndex={index === at ? 0 : -1}
              aria-rowindex={index + 2}
              aria-selected={onToggle === undefined ? undefined : selected}
              style={{ transform: `translateY(${index * height}px)`, height: `${height}px` }}
              onFocus={() => setActive(index)}
              onDblClick={() => onOpen?.(row)}
            >
              {columns.map(({ title, class: name, cell }) => (
                <span key={title} role="gridcell" class={`cell ${name}`}>
                  {cell(row, index)}
                </span>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}
