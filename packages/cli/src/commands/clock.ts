import { isServed } from '@securestore/backend-api';
import type { StoreClock } from 'securestore';
import type { Call } from '../call.ts';
import { discoveryOf } from '../discovery.ts';
import { locationOf, loggerFor } from '../open.ts';
import { confirmDestruction } from '../prompt.ts';
import { refuse, refuseAction } from '../refuse.ts';
import { notServed } from '../served.ts';
import { formatDuration, formatTime } from '../terminal-text.ts';

export interface ClockOptions {
  readonly yes?: boolean;
}

/** Less than this, in milliseconds, is how long looking takes, and how coarse some clocks are. */
const SAME = 2000;

function inWords({ ahead, canReset }: StoreClock): string {
  const whose = canReset ? 'the store' : 'the backend';
  if (Math.abs(ahead) < SAME) return `the clocks of this machine and of ${whose} agree`;
  const apart = formatDuration(Math.abs(ahead) / 1000);
  return `the clock of ${whose} is ${apart} ${ahead > 0 ? 'ahead of' : 'behind'} this machine's`;
}

/** `securestore clock`, `securestore clock reset`. */
export async function clock(call: Call<ClockOptions>, action: string | undefined): Promise<void> {
  const { cli, out, options } = call;
  if (action !== undefined && action !== 'reset') {
    refuseAction('clock', ['reset']);
  }
  if (options.yes === true && action === undefined) {
    refuse('--yes belongs to clock reset');
  }
  const location = await locationOf(call);
  if (isServed(location)) notServed('clock');
  const { resetClock, storeClock } = await import('securestore');
  const how = { discovery: discoveryOf(call), logger: loggerFor(call), signal: cli.signal };
  const found = await storeClock(location, how);
  if (action === undefined || (found.canReset && found.ahead < SAME)) {
    await out.result({ ...found }, () => inWords(found));
    return;
  }
  if (found.canReset) {
    const now = formatTime(cli.now());
    const question = `It is ${now} by this machine, and ${inWords(found)}. Is this machine right? Set the store's back?`;
    await confirmDestruction(cli, options.yes, question, 'the time of the store would run backwards');
  }
  const ahead = await resetClock(location, how);
  const said = `the clock of the store was ${formatDuration(ahead / 1000)} ahead, and is that of this machine now`;
  await out.result({ reset: ahead }, () => said);
}
