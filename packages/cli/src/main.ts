import process from 'node:process';
import { run } from './run.ts';
import { processCli } from './terminal/process-cli.ts';

const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const controller = new AbortController();

function interrupt(): void {
  // The first signal stops cleanly; whoever sends a second one no longer wants to wait for that.
  if (controller.signal.aborted) stopAtOnce();
  controller.abort();
}

/** Not by `process.exit`, which waits for a file that is being opened and may never be. */
function stopAtOnce(): void {
  releaseSignals();
  process.kill(process.pid, 'SIGINT');
}

function releaseSignals(): void {
  for (const name of INTERRUPTS) process.off(name, interrupt);
}

for (const name of INTERRUPTS) process.on(name, interrupt);

async function main(): Promise<void> {
  const exitCode = await run(process.argv.slice(2), processCli(controller.signal, releaseSignals));
  // A pipe on stdin that no process writes to or closes must not keep a finished command alive.
  process.exit(exitCode);
}

// No top-level await: `bin/securestore.cjs` loads this with `require`.
void main();
