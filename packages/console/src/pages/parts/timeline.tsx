import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { WireTimeline } from '@securestore/protocol';
import { duration, localTime, zoneOf } from '../lib/format.ts';
import { boundsOf, gapsOf, windowsOf } from '../lib/recovery.ts';
import type { Span } from '../lib/scale.ts';
import { DAY, HOUR, marksOf, within, zoomed } from '../lib/scale.ts';
import { Button } from './basics.tsx';

const HEIGHT = 132;
const BAR = { top: 44, height: 30 } as const;
/** How far a pointer may move and still have pointed at something, in pixels. */
const STILL = 4;

interface TimelineProps {
  readonly timeline: WireTimeline;
  /** The chosen moment, in milliseconds since 1970. */
  readonly chosen: number | undefined;
  readonly onChoose: (time: number) => void;
}

const SPANS: readonly { readonly label: string; readonly length: number }[] = [
  { label: '1 hour', length: HOUR },
  { label: '1 day', length: DAY },
  { label: '7 days', length: 7 * DAY },
];

/** What can be restored, over time: windows, gaps, snapshots and how far it is behind. Whoever sees it points at a moment; the keys do the same. */
export function Timeline({ timeline, chosen, onChoose }: TimelineProps): JSX.Element {
  const bounds = boundsOf(timeline);
  const [span, setSpan] = useState<Span>(bounds);
  const [width, setWidth] = useState(900);
  const box = useRef<HTMLDivElement>(null);
  const drag = useRef<{ readonly x: number; readonly span: Span; moved: boolean }>(undefined);

  useEffect(() => setSpan(bounds), [timeline.destination]);
  useLayoutEffect(() => {
    if (box.current === null) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(200, entry?.contentRect.width ?? 0)));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);

  const windows = windowsOf(timeline);
  const gaps = gapsOf(windows);
  const now = new Date(timeline.now).getTime();
  const x = (time: number): number => ((time - span.from) / (span.to - span.from)) * width;
  const timeAt = (clientX: number): number => {
    const left = box.current?.getBoundingClientRect().left ?? 0;
    return span.from + ((clientX - left) / width) * (span.to - span.from);
  };
  const zoom = (factor: number): void => setSpan(zoomed(span, factor, chosen ?? windows.at(-1)?.to ?? now, bounds));
  const show = (length: number): void => {
    const end = chosen === undefined ? now : Math.min(bounds.to, chosen + length / 2);
    setSpan(within({ from: end - length, to: end }, bounds));
  };
  const stops = [
    ...new Set([
      ...timeline.snapshots.map(({ time }) => new Date(time).getTime()),
      ...windows.flatMap(({ from, to }) => [from, to]),
    ]),
  ].toSorted((a, b) => a - b);
  const choose = (time: number): void => {
    const held = Math.round(Math.min(Math.max(time, stops[0] ?? time), now));
    onChoose(held);
    if (held < span.from || held > span.to)
      setSpan(within({ from: held - (span.to - span.from) / 2, to: held + (span.to - span.from) / 2 }, bounds));
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const from = chosen ?? windows.at(-1)?.to ?? now;
    const step = ((span.to - span.from) / 100) * (event.shiftKey ? 10 : 1);
    const actions: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => choose(from - step),
      ArrowRight: () => choose(from + step),
      ArrowDown: () => choose(from - step),
      ArrowUp: () => choose(from + step),
      PageDown: () => choose(stops.findLast((time) => time < from) ?? from),
      PageUp: () => choose(stops.find((time) => time > from) ?? from),
      Home: () => choose(stops[0] ?? from),
      End: () => choose(windows.at(-1)?.to ?? from),
      '+': () => zoom(0.5),
      '-': () => zoom(2),
    };
    const act = actions[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    act();
  };

  return (
    <div class="timeline">
      <div class="timeline-tools" role="group" aria-label="Zoom">
        {SPANS.map(({ label, length }) => (
          <Button key={label} kind="quiet" onPress={() => show(length)}>
            {label}
          </Button>
        ))}
        <Button kind="quiet" onPress={() => setSpan(bounds)}>
          All
        </Button>
        <Button kind="quiet" label="Zoom in" onPress={() => zoom(0.5)}>
          +
        </Button>
        <Button kind="quiet" label="Zoom out" onPress={() => zoom(2)}>
          −
        </Button>
      </div>
      <div
        ref={box}
        class="timeline-box"
        role="slider"
        tabIndex={0}
        aria-label="Moment to restore"
        aria-valuemin={Math.round((stops[0] ?? bounds.from) / 1000)}
        aria-valuemax={Math.round(now / 1000)}
        aria-valuenow={Math.round((chosen ?? windows.at(-1)?.to ?? now) / 1000)}
        aria-valuetext={
          chosen === undefined ? 'the newest' : `${localTime(new Date(chosen))} ${zoneOf(new Date(chosen))}`
        }
        onKeyDown={onKeyDown}
        onWheel={(event) => {
          if (!event.ctrlKey) return;
          event.preventDefault();
          setSpan(zoomed(span, event.deltaY > 0 ? 1.25 : 0.8, timeAt(event.clientX), bounds));
        }}
        onPointerDown={(event) => {
          drag.current = { x: event.clientX, span, moved: false };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          const begun = drag.current;
          if (begun === undefined) return;
          const distance = event.clientX - begun.x;
          if (Math.abs(distance) > STILL) begun.moved = true;
          if (!begun.moved) return;
          const shift = (distance / width) * (begun.span.to - begun.span.from);
          setSpan(within({ from: begun.span.from - shift, to: begun.span.to - shift }, bounds));
        }}
        onPointerUp={(event) => {
          if (drag.current?.moved === false) choose(timeAt(event.clientX));
          drag.current = undefined;
        }}
        onPointerCancel={() => (drag.current = undefined)}
      >
        <svg width={width} height={HEIGHT} aria-hidden="true" focusable="false">
          {marksOf(span, width).map(({ time, label }) => (
            <g key={time} class="mark">
              <line x1={x(time)} x2={x(time)} y1={BAR.top - 12} y2={HEIGHT - 30} />
              <text x={x(time)} y={HEIGHT - 10} text-anchor="middle">
                {label}
              </text>
            </g>
          ))}
          {gaps.map(({ from, to }) => (
            <g key={from} class="gap">
              <rect x={x(from)} y={BAR.top} width={Math.max(0, x(to) - x(from))} height={BAR.height} />
              {x(to) - x(from) > 84 && (
                <text x={(Math.max(0, x(from)) + Math.min(width, x(to))) / 2} y={BAR.top + 20} text-anchor="middle">
                  {duration(to - from)}
                </text>
              )}
            </g>
          ))}
          {windows.map(({ from, to }) => (
            <rect
              key={from}
              class="window"
              rx="2"
              x={x(from) - 1}
              y={BAR.top}
              width={Math.max(3, x(to) - x(from) + 2)}
              height={BAR.height}
            />
          ))}
          {timeline.snapshots.map(({ number, time }) => {
            const at = x(new Date(time).getTime());
            return at < -8 || at > width + 8 ? null : (
              <circle key={number} class="snapshot" cx={at} cy={BAR.top - 8} r="4" />
            );
          })}
          <line class="now" x1={x(now)} x2={x(now)} y1={BAR.top - 12} y2={BAR.top + BAR.height + 12} />
          {chosen !== undefined && (
            <g class="chosen">
              <line x1={x(chosen)} x2={x(chosen)} y1={18} y2={BAR.top + BAR.height + 14} />
              <path d={`M${x(chosen) - 7} 8h14v8l-7 8-7-8z`} />
            </g>
          )}
        </svg>
      </div>
      <p class="legend" aria-hidden="true">
        <span>
          <span class="key window" /> every moment
        </span>
        <span>
          <span class="key snapshot" /> snapshot
        </span>
        <span>
          <span class="key gap" /> gap: gives what was before it
        </span>
        <span>
          <span class="key now" /> now
        </span>
      </p>
    </div>
  );
}
