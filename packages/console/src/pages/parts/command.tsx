import type { JSX } from 'preact';
import type { CommandRequest } from '@securestore/protocol';
import { commandLine } from '@securestore/protocol';
import { CommandLine } from './basics.tsx';

/** What does the same on the command line, over the server that the page is from, to be copied. */
export function Command({ request }: { readonly request: CommandRequest | undefined }): JSX.Element | null {
  if (request === undefined) return null;
  const line = commandLine(request, { store: location.origin });
  return <CommandLine line={line} label="The same on the command line" />;
}
