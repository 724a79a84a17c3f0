import type { JSX } from 'preact';
import { now } from '../lib/clock.ts';
import { ago, localTime, utcTime, zoneOf } from '../lib/format.ts';

/** A time: local, in UTC, and how long ago, so that nobody has to guess which is meant. */
export function Time({
  of: given,
  isLong = false,
}: {
  readonly of: Date | string | number;
  readonly isLong?: boolean;
}): JSX.Element {
  const time = new Date(given);
  if (Number.isNaN(time.getTime())) return <span>a time that can’t be read</span>;
  const zone = zoneOf(time);
  const utc = `${utcTime(time)} UTC`;
  if (!isLong) {
    return (
      <time
        class="time"
        dateTime={time.toISOString()}
        title={zone === 'UTC' ? utc : `${localTime(time)} ${zone} = ${utc}`}
      >
        {localTime(time)} <span class="zone">{zone}</span>
      </time>
    );
  }
  return (
    <time class="time long" dateTime={time.toISOString()}>
      <span>
        {localTime(time)} <span class="zone">{zone}</span>
      </span>
      {zone !== 'UTC' && <span class="muted">{utc}</span>}
    </time>
  );
}

/** How long ago, kept right while the page is seen. */
export function Ago({ of: given }: { readonly of: Date | string | number }): JSX.Element {
  const time = new Date(given);
  return (
    <time dateTime={time.toISOString()} title={`${localTime(time)} ${zoneOf(time)} = ${utcTime(time)} UTC`}>
      {ago(time, now.value)}
    </time>
  );
}
