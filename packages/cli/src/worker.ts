import process from 'node:process';
import { run } from './run.ts';
import { processCli } from './terminal/process-cli.ts';

/** A worker ends when its server says so, or ends: signals are for the server. */
const NEVER = new AbortController().signal;

process.exit(await run(process.argv.slice(2), { ...processCli(NEVER, () => {}), isWorker: true }));
