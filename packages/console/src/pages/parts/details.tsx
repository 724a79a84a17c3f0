import type { JSX } from 'preact';
import type { ObjectInfo } from '@securestore/objects';
import type { Wire } from '@securestore/protocol';
import { HEADERS, RAW_TYPE } from '@securestore/protocol';
import { ApiError, get, send } from '../lib/api.ts';
import type { Query } from '../lib/api.ts';
import { Time } from './time.tsx';

/** The expiry and the metadata of a version. */
export interface DetailsOfVersion extends Pick<Wire<ObjectInfo>, 'expires'> {
  /** Absent if they are too long for a header. */
  readonly metadata: object | undefined;
}

/** Where the details of a version are had from: of the store, or of a backup, which gives them with the data. */
export interface DetailsSource {
  readonly path: string;
  readonly query: Query;
  readonly isOfBackup: boolean;
}

/** @throws ApiError `ACCESS_DENIED` if whoever asks may only know that there is such a version */
export async function detailsOf(
  { path, query, isOfBackup }: DetailsSource,
  signal: AbortSignal,
): Promise<DetailsOfVersion> {
  if (!isOfBackup) {
    const { metadata, expires } = await get<Partial<Wire<ObjectInfo>>>(path, query, { signal });
    if (metadata === undefined)
      throw new ApiError('ACCESS_DENIED', 'you may not see them; that takes the right “read”');
    return { metadata, ...(expires !== undefined && { expires }) };
  }
  // No byte of the data.
  const none = { ...query, start: 0, end: 0 };
  const { headers } = await send('GET', path, { query: none, headers: { accept: RAW_TYPE }, signal });
  const { expires } = JSON.parse(headers.get(HEADERS.info) ?? '') as Pick<Wire<ObjectInfo>, 'expires'>;
  const metadata = headers.get(HEADERS.metadata);
  return {
    metadata: metadata === null ? undefined : (JSON.parse(metadata) as object),
    ...(expires !== undefined && { expires }),
  };
}

/** The metadata of a version, and when it expires. */
export function Details({
  of: { metadata, expires },
  label,
}: {
  readonly of: DetailsOfVersion;
  readonly label: string;
}): JSX.Element {
  return (
    <dl class="facts">
      <div>
        <dt>Expires</dt>
        <dd>{expires === undefined ? 'never' : <Time of={expires} isLong />}</dd>
      </div>
      <div>
        <dt>Metadata</dt>
        <dd>
          {metadata === undefined ? (
            'too long to be shown of a backup'
          ) : Object.keys(metadata).length === 0 ? (
            'none'
          ) : (
            <pre tabIndex={0} role="group" aria-label={`The metadata ${label}`}>
              {JSON.stringify(metadata, undefined, 2)}
            </pre>
          )}
        </dd>
      </div>
    </dl>
  );
}
