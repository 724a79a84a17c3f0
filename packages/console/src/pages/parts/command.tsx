import type { JSX } from 'preact';
import type { CommandRequest } from '@securestore/protocol';
import { commandLine } from '@securestore/protocol';
import { Copy } from './basics.tsx';

/** A command, to be copied. */
export function CommandText({ line }: { readonly line: string }): JSX.Element {
  return (
    <div class="command">
      <pre tabIndex={0} role="group" aria-label="The same on the command line">
        <code>{line}</code>
      </pre>
      <Copy text={line} what="command" />
    </div>
  );
}

/** What does the same on the command line, over the server that the page is from. */
export function Command({ request }: { readonly request: CommandRequest }): JSX.Element {
  return <CommandText line={commandLine(request, { store: location.origin })} />;
}
