import { isServed } from '@securestore/backend-api';
import type { StoreClock } from 'securestore';
import type { Call } from '../call/call.ts';
import { discoveryOf } from '../store/discovery.ts';
import { storeUrlOf, loggerFor } from '../store/open.ts';
import { confirmDestruction } from '../secret/prompt.ts';
import { refuse } from '../errors/refuse.ts';
import { notServed } from '../store/served.ts';
import { formatDuration, formatTime } from '../terminal/terminal-text.ts';

/** Less than this, in milliseconds, is how long looking takes, and how coarse some clocks are. */
const SAME = 2000;

function inWords({ ahead, canReset }: StoreClock): string {
  const whose = canReset ? 'the store' : 'the backend';
  if (Math.abs(ahead) < SAME) return `the clocks of this machine and of ${whose} agree`;
  const apart = formatDuration(Math.abs(ahead) / 1000);
  return `the clock of ${whose} is ${apart} ${ahead > 0 ? 'ahead of' : 'behind'} this machine's`;
}

/** @throws `UNSUPPORTED` for a remote store */
async function localStore(call: Call) {
  const { cli } = call;
  const url = await storeUrlOf(call);
  if (isServed(url)) notServed('clock');
  return { url, how: { discovery: discoveryOf(call), logger: loggerFor(call), signal: cli.signal } };
}

/** `securestore clock show`. */
export async function showClock(call: Call): Promise<void> {
  if (call.options.yes === true) refuse('--yes belongs to clock reset');
  const { url, how } = await localStore(call);
  const { storeClock } = await import('securestore');
  const found = await storeClock(url, how);
  await call.out.result({ ...found }, () => inWords(found));
}

/** `securestore clock reset`. */
export async function resetStoreClock(call: Call): Promise<void> {
  const { cli, out, options } = call;
  const { url, how } = await localStore(call);
  const { resetClock, storeClock } = await import('securestore');
  const found = await storeClock(url, how);
  if (found.canReset && found.ahead < SAME) return await out.result({ ...found }, () => inWords(found));
  if (found.canReset) {
    const now = formatTime(cli.now());
    const question = `It is ${now} by this machine, and ${inWords(found)}. Is this machine right? Set the store's back?`;
    await confirmDestruction(cli, options.yes, question, 'the time of the store would run backwards');
  }
  const ahead = await resetClock(url, how);
  const said = `the clock of the store was ${formatDuration(ahead / 1000)} ahead, and is that of this machine now`;
  await out.result({ reset: ahead }, () => said);
}
