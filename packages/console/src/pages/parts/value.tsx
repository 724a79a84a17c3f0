import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Download, DownloadRequest } from '@securestore/protocol';
import { CONSOLE_PATHS } from '@securestore/protocol';
import { ApiError, ask, send } from '../lib/api.ts';
import type { AskedApproval } from '../lib/approval.ts';
import type { Query } from '../lib/api.ts';
import { announce } from '../lib/announce.ts';
import { CLEARED_AFTER, clearClipboard, copyValue, isValueCopied } from '../lib/clipboard.ts';
import { bytes } from '../lib/format.ts';
import { HIDES_AFTER, useRevealed } from '../lib/revealed.ts';
import { Approval } from './approval.tsx';
import { Button, Notice } from './basics.tsx';
import { Details, detailsOf } from './details.tsx';
import type { DetailsSource } from './details.tsx';

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
    // What has control characters is no text to be shown as such; all else that nobody sees is escaped in the page.
    if (!/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(text)) return { text, size: data.length, isText: true };
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
  readonly details: DetailsSource;
  readonly size: number | undefined;
  /** What it is the value of, for those who don't see where it stands. */
  readonly label: string;
}

/** What is asked for, so that a value may be read once. */
function askedFor(action: string, file: DownloadRequest): AskedApproval {
  // What is about the whole store is what shows what it was.
  if (file.type !== 'object' || action === 'backup.view') return { action };
  const { key, version, destination, snapshot, at } = file;
  if (action !== 'read') return { action, key };
  if (destination === undefined) return { action, key, ...(version !== undefined && { version }) };
  const about = {
    destination,
    ...(snapshot !== undefined && { snapshot }),
    ...(at !== undefined && { at }),
    ...(version !== undefined && { version }),
  };
  return { action, key, operation: { call: 'recoveryPoints.retrieveStream', about } };
}

/** Copies a value, and says what stays of that. */
function CopyValue({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  return (
    <Button
      kind="quiet"
      label={`Copy value ${label}`}
      onPress={async () => {
        await copyValue(text);
        announce('The value is copied.');
      }}
    >
      Copy
    </Button>
  );
}

/** Tells of a value that may be in the clipboard, and takes it out. */
export function CopiedNotice(): JSX.Element | null {
  if (!isValueCopied.value) return null;
  return (
    <Notice tone="warn" title="A value is in the clipboard">
      <p>
        Other programs can read it there, and some systems keep a history of the clipboard. After {CLEARED_AFTER / 1000}{' '}
        seconds, and at the end of the session, this page removes the value if the browser lets it look; else it stays
        until something else is copied.
      </p>
      <Button onPress={clearClipboard}>Clear the clipboard now</Button>
    </Notice>
  );
}

/** A value, hidden until somebody asks for it, and again soon after. Under a two-person rule they ask, wait, and read it once it is approved. */
export function Value({ path, query, file, details, size, label }: ValueProps): JSX.Element {
  const [waiting, setWaiting] = useState<readonly string[]>([]);
  /** What takes a second person is asked for on the page. */
  const orAsk = async (read: () => Promise<void>): Promise<void> => {
    try {
      await read();
      setWaiting([]);
    } catch (error) {
      if (!(error instanceof ApiError) || error.approvals.length === 0) throw error;
      setWaiting(error.approvals);
    }
  };
  const { shown, show, hide } = useRevealed(async (signal) => {
    const response = await send('GET', path, { query, headers: { accept: 'application/octet-stream' }, signal });
    const data = new Uint8Array(await response.arrayBuffer());
    const found = shownOf(data);
    data.fill(0);
    return found;
  }, 'The value is hidden.');
  const known = useRevealed(async (signal) => detailsOf(details, signal), 'The details are hidden.');
  const box = useRef<HTMLDivElement>(null);
  // What had the focus goes when the value comes or goes: the keyboard stays here.
  const isShown = shown !== undefined;
  const wasShown = useRef(isShown);
  useLayoutEffect(() => {
    if (wasShown.current === isShown) return;
    wasShown.current = isShown;
    if (document.activeElement !== document.body) return;
    box.current?.querySelector<HTMLElement>('pre, button')?.focus({ preventScroll: true });
  }, [isShown]);
  const isLarge = size !== undefined && size > MOST;
  return (
    <div class="value" ref={box}>
      {shown === undefined ? (
        waiting.reduceRight(
          (inner, action) => (
            <Approval key={action} asked={askedFor(action, file)} reason="">
              {inner}
            </Approval>
          ),
          <div class="value-tools">
            {isLarge ? (
              <span class="muted">{bytes(size)}: too large to show</span>
            ) : (
              <Button kind="quiet" label={`Show value ${label}`} onPress={async () => orAsk(show)}>
                Show value
              </Button>
            )}
            <Button
              kind="quiet"
              label={`Download value ${label}`}
              onPress={async () => orAsk(async () => beginDownload(await askDownload(file)))}
            >
              Download
            </Button>
            <Button
              kind="quiet"
              label={`${known.shown === undefined ? 'Show' : 'Hide'} details ${label}`}
              onPress={async () => (known.shown === undefined ? orAsk(known.show) : known.hide())}
            >
              {known.shown === undefined ? 'Show details' : 'Hide details'}
            </Button>
          </div>,
        )
      ) : (
        <>
          <pre tabIndex={0} role="group" aria-label={`The value ${label}`}>
            {shown.text}
          </pre>
          <div class="value-tools">
            <span class="muted">
              {bytes(shown.size)}
              {!shown.isText && ', not text: its beginning in hexadecimal'}, hides itself after {HIDES_AFTER / 1000} s
            </span>
            {shown.isText && <CopyValue text={shown.text} label={label} />}
            <Button kind="quiet" onPress={hide}>
              Hide
            </Button>
          </div>
        </>
      )}
      {known.shown !== undefined && <Details of={known.shown} label={label} />}
    </div>
  );
}

export function AuditedNotice(): JSX.Element {
  return (
    <>
      <Notice>
        Values are hidden, and so are metadata. If the store is audited, the log records under your name when you show
        or download them. A download stays on this computer, and its name in the browser’s list of downloads.
      </Notice>
      <CopiedNotice />
    </>
  );
}
