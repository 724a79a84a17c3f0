import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { run } from './run.ts';
import { standardInput, standardOutput } from './terminal/process-streams.ts';

/** A worker ends when its server says so, or ends: signals are for the server. */
const NEVER = new AbortController().signal;

process.exit(
  await run(process.argv.slice(2), {
    stdin: standardInput(),
    stdout: standardOutput(),
    stderr: process.stderr,
    env: process.env,
    script: process.argv[1],
    platform: process.platform,
    now: () => new Date(),
    random: randomBytes,
    signal: NEVER,
    releaseSignals: () => {},
    isWorker: true,
  }),
);
