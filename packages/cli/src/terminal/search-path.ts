import { delimiter, join } from 'node:path';

/** The files that a command may mean: the one of its path, or one in each folder of the search path. */
export function filesOfCommand(
  command: string,
  { PATH = '' }: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  return command.includes('/') ? [command] : PATH.split(delimiter).map((folder) => join(folder, command));
}
