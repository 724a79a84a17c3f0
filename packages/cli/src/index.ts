export { run } from './run.ts';
export type { Cli } from './cli-context.ts';
