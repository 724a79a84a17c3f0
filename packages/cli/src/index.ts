export { run } from './run.ts';
export type { Cli } from './terminal/cli-context.ts';
