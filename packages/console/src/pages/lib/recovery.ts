import type { WireTimeline } from '@securestore/protocol';
import type { Point } from './draft-types.ts';
import type { Span } from './scale.ts';
import { HOUR } from './scale.ts';

/** A span of which every moment can be restored; one moment where `from` is `to`. */
export function windowsOf({ windows }: WireTimeline): Span[] {
  return windows
    .map(({ from, to }) => ({ from: new Date(from).getTime(), to: new Date(to).getTime() }))
    .toSorted((one, other) => one.from - other.from);
}

/** What lies between the windows: there only what the last moment before holds can be restored. */
export function gapsOf(windows: readonly Span[]): Span[] {
  return windows.flatMap(({ to }, at) => {
    const next = windows[at + 1];
    return next === undefined ? [] : [{ from: to, to: next.from }];
  });
}

/** All that the timeline of a destination is about. */
export function boundsOf(timeline: WireTimeline): Span {
  const now = new Date(timeline.now).getTime();
  const times = [
    ...windowsOf(timeline).map(({ from }) => from),
    ...timeline.snapshots.map(({ time }) => new Date(time).getTime()),
  ];
  const first = Math.min(now - HOUR, ...times);
  const room = (now - first) * 0.03;
  return { from: first - room, to: now + room };
}

/** What a chosen moment leads to. */
export interface Meant {
  /** The moment that is restored, in milliseconds since 1970. */
  readonly time: number;
  /** Whether that is another one than was asked for, since it is in a gap or after the end. */
  readonly isEarlier: boolean;
  readonly snapshot?: number;
}

/** The snapshot of before a restore that is newer than what is meant if nothing is chosen: whoever chooses it undoes that restore. */
export function undoingIn({ newest, snapshots: [last] }: WireTimeline): WireTimeline['snapshots'][number] | undefined {
  return last !== undefined && newest?.snapshot !== undefined && last.number > newest.snapshot ? last : undefined;
}

/** @returns `undefined` where there is nothing from so long ago */
export function meantBy(timeline: WireTimeline, { at, snapshot }: Point): Meant | undefined {
  if (snapshot !== undefined) {
    const found = timeline.snapshots.find(({ number }) => number === snapshot);
    return found && { time: new Date(found.time).getTime(), isEarlier: false, snapshot };
  }
  if (at === undefined) {
    const { newest } = timeline;
    return newest && { time: new Date(newest.time).getTime(), isEarlier: false };
  }
  const windows = windowsOf(timeline);
  const asked = new Date(at).getTime();
  const window = windows.findLast(({ from }) => from <= asked);
  if (window === undefined) return undefined;
  return asked <= window.to ? { time: asked, isEarlier: false } : { time: window.to, isEarlier: true };
}
