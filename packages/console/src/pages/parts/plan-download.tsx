import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Download, DownloadRequest } from '@securestore/protocol';
import { draft, pointQuery } from '../lib/draft.ts';
import type { Draft } from '../lib/draft-types.ts';
import { count, counted } from '../lib/format.ts';
import { commandOf } from '../lib/plan.ts';
import { Button, Notice, Panel } from './basics.tsx';
import { Command } from './command.tsx';
import { askDownload, beginDownload } from './value.tsx';

function requestOf({ destination = '', point, chosen }: Draft): DownloadRequest {
  const which =
    chosen.type === 'prefix' ? { prefix: chosen.prefix } : chosen.type === 'keys' ? { keys: chosen.keys } : {};
  return { type: 'archive', destination, ...pointQuery(point), ...which };
}

/** What was chosen, as a file. What would not be in it is said before it begins. */
export function PlanDownload(): JSX.Element {
  const [asked, setAsked] = useState<Download>();
  const [hasBegun, setBegun] = useState(false);
  const request = JSON.stringify(requestOf(draft.value));
  useEffect(() => {
    setAsked(undefined);
    setBegun(false);
  }, [request]);
  const begin = async (isMeant: boolean): Promise<void> => {
    // Anew where somebody has thought about it: what was asked for waits for a minute.
    const download = await askDownload(JSON.parse(request) as DownloadRequest);
    setAsked(download);
    if (!isMeant && (download.leftOut ?? 0) > 0) return;
    beginDownload(download);
    setBegun(true);
  };
  const { objects = 0, leftOut = 0 } = asked ?? {};
  const isPart = leftOut > 0 && !hasBegun;
  return (
    <Panel title="Download">
      <p>
        One tar file, not encrypted. If the store is audited, the log records each value in it under your name. What you
        may not read is left out, and listed in the file.
      </p>
      {isPart && (
        <Notice tone="warn" title={`${count(leftOut)} of ${counted(objects + leftOut, 'object')} will not be in it`}>
          <p>You may see {leftOut === 1 ? 'its name, but not read it' : 'their names, but not read them'}.</p>
        </Notice>
      )}
      <Button kind="primary" onPress={async () => begin(isPart)}>
        {isPart ? `Download the other ${objects === 1 ? 'one' : count(objects)}` : 'Download the tar'}
      </Button>
      {hasBegun && (
        <Notice tone="ok" title="The download has begun">
          Your browser says when it is done. Keep the file where only you can read it.
        </Notice>
      )}
      <Command request={commandOf(draft.value)} />
    </Panel>
  );
}
