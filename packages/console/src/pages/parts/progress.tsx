import type { JSX } from 'preact';
import type { JobProgress } from '@securestore/objects';
import { bytes, count, duration } from '../lib/format.ts';

interface WorkProgressProps {
  readonly progress: JobProgress | undefined;
  /** What is done, until the work says so itself. */
  readonly what: string;
  /** How many items there are to be, where the work does not say. */
  readonly expected?: number | undefined;
}

const inWords = (phase: string): string => `${phase.slice(0, 1).toUpperCase()}${phase.slice(1)}`;

/** How far work is. What is announced is the share, in steps: a screen reader has other things to say. */
export function WorkProgress({ progress, what, expected }: WorkProgressProps): JSX.Element {
  const { phase, done = 0, bytes: size = 0, rate = 0 } = progress ?? {};
  const counted = progress?.total ?? expected;
  // What has come meanwhile makes a count of before too small.
  const total = counted === undefined || done > counted ? undefined : counted;
  const share = total === undefined || total === 0 ? undefined : done / total;
  const left = total === undefined || rate <= 0 ? undefined : ((total - done) / rate) * 1000;
  const eta = progress?.eta ?? left;
  // What it is called stands above it.
  const isPhaseTold = phase !== undefined && inWords(phase) !== what;
  return (
    <div class="work">
      <div class="work-line">
        {isPhaseTold && <strong>{inWords(phase)}</strong>}
        {share !== undefined && <span class="share">{Math.floor(share * 100)} %</span>}
      </div>
      <progress aria-label={what} {...(share === undefined ? {} : { max: 1, value: share })} />
      <dl class="figures">
        <div>
          <dt>Objects</dt>
          <dd>
            {count(done)}
            {total !== undefined && ` of ${count(total)}`}
          </dd>
        </div>
        <div>
          <dt>Data</dt>
          <dd>{bytes(size)}</dd>
        </div>
        <div>
          <dt>Rate</dt>
          <dd>{rate > 0 ? `${count(Math.round(rate))}/s` : '–'}</dd>
        </div>
        <div>
          <dt>Left</dt>
          <dd>{eta === undefined ? '–' : `about ${duration(eta)}`}</dd>
        </div>
      </dl>
      <span class="hidden" role="status">
        {share === undefined ? '' : `${Math.floor(share * 10) * 10} percent`}
      </span>
    </div>
  );
}
