import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { run } from './run.ts';

const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const INTERRUPTED = 130;

const controller = new AbortController();

function interrupt(): void {
  // The first signal stops cleanly; whoever sends a second one no longer wants to wait for that.
  if (controller.signal.aborted) process.exit(INTERRUPTED);
  controller.abort();
}

function releaseSignals(): void {
  for (const name of INTERRUPTS) process.off(name, interrupt);
}

for (const name of INTERRUPTS) process.on(name, interrupt);

async function main(): Promise<void> {
  const exitCode = await run(process.argv.slice(2), {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    platform: process.platform,
    now: () => new Date(),
    random: randomBytes,
    signal: controller.signal,
    releaseSignals,
  });
  // A pipe on stdin that nobody writes to or closes must not keep a finished command alive.
  process.exit(exitCode);
}

// No top-level await: `bin/securestore.cjs` loads this with `require`.
void main();
