import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Download, DownloadRequest } from '@securestore/protocol';
import { CONSOLE_PATHS } from '@securestore/protocol';
import { ask, send } from '../lib/api.ts';
import type { Query } from '../lib/api.ts';
import { bytes } from '../lib/format.ts';
import { Button, Notice } from './basics.tsx';

/** What is shown of a value, in bytes: more is for a file. */
const MOST = 64 * 1024;
/** What is shown of one that is no text. */
const MOST_HEX = 1024;

/** Asks for a download, without its name in any address. @throws ApiError where there is nothing to be had */
export function askDownload(request: DownloadRequest): Promise<Download> {
  return ask<Download>('POST', CONSOLE_PATHS.downloads, { body: request });
}

/** Begins a download that was asked for. */
export function beginDownload({ url, name }: Download): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
}

/** A key as the end of a path. */
export const pathOf = (key: string): string => key.split('/').map(encodeURIComponent).join('/');

interface Shown {
  readonly text: string;
  readonly size: number;
  readonly isText: boolean;
}

function shownOf(data: Uint8Array): Shown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(data);
    // What would move the cursor or turn the direction of writing is no text to be shown as such.
    if (!/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069]/.test(text))
      return { text, size: data.length, isText: true };
  } catch {
    // As below.
  }
  const shown = data.subarray(0, MOST_HEX);
  const lines = Array.from({ length: Math.ceil(shown.length / 16) }, (_, at) =>
    [...shown.subarray(at * 16, at * 16 + 16)].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
  );
  return { text: lines.join('\n'), size: data.length, isText: false };
}

interface ValueProps {
  /** Where the data is had from. */
  readonly path: string;
  readonly query: Query;
  readonly file: DownloadRequest;
  readonly size: number | undefined;
  /** What it is the value of, for those who don't see where it stands. */
  readonly label: string;
}

/** A value, hidden until somebody asks for it. */
export function Value({ path, query, file, size, label }: ValueProps): JSX.Element {
  const [shown, setShown] = useState<Shown>();
  const isLarge = size !== undefined && size > MOST;
  const show = async (): Promise<void> => {
    const response = await send('GET', path, { query, headers: { accept: 'application/octet-stream' } });
    setShown(shownOf(new Uint8Array(await response.arrayBuffer())));
  };
  return (
    <div class="value">
      {shown === undefined ? (
        <div class="value-tools">
          {isLarge ? (
            <span class="muted">{bytes(size)}: too large to show</span>
          ) : (
            <Button kind="quiet" label={`Show value ${label}`} onPress={show}>
              Show value
            </Button>
          )}
          <Button
            kind="quiet"
            label={`Download value ${label}`}
            onPress={async () => beginDownload(await askDownload(file))}
          >
            Download
          </Button>
        </div>
      ) : (
        <>
          <pre tabIndex={0} role="group" aria-label={`The value ${label}`}>
            {shown.text}
          </pre>
          <div class="value-tools">
            <span class="muted">
              {bytes(shown.size)}
              {!shown.isText && ', not text: its beginning in hexadecimal'}
            </span>
            <Button kind="quiet" onPress={() => setShown(undefined)}>
              Hide
            </Button>
          </div>
        </>
      )}
    </div>
  );
}

export function AuditedNotice(): JSX.Element {
  return (
    <Notice>
      Values are hidden. When you show or download one, that is recorded in the audit log under your name.
    </Notice>
  );
}
