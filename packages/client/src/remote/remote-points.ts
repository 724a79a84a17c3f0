import type { RecoveryPointAdministration } from '@securestore/acl';
import { parseStoreKey } from '@securestore/core-format';
import type { Metadata } from '@securestore/objects';
import { encodeKey, encodeQuery } from '@securestore/protocol';
import type { Administrator, Request } from './administrator.ts';
import { openAnswer, rangeIn } from '../transport/incoming.ts';

const PAGE = ['prefix', 'after', 'limit'] as const;
const POINT = ['at', 'snapshot'] as const;
const OPTIONS = {
  timeline: new Set(['before', 'limit', 'changes']),
  browse: new Set(['destination', ...POINT, ...PAGE]),
  find: new Set(['contains', 'destination', ...POINT, ...PAGE]),
  compare: new Set(['destination', 'from', 'to', ...PAGE]),
  versions: new Set(['destination']),
  retrieve: new Set(['destination', 'version', 'start', 'end', ...POINT]),
} as const;

type Values = Readonly<Record<string, string | number | undefined>>;

const get = (path: string, query: Values = {}): Request => ({
  method: 'GET',
  path: `/v1/recovery-points/${path}`,
  query,
});

/** A point in a query. */
function pointQuery({
  at,
  snapshot,
}: { readonly at?: Date | undefined; readonly snapshot?: number | undefined } = {}): {
  at: string | undefined;
  snapshot: number | undefined;
} {
  return { at: at?.toISOString(), snapshot };
}

/** What a store that is served was, at any point that can be restored. */
export function remotePoints(administrator: Administrator): RecoveryPointAdministration {
  const { calls } = administrator;
  return {
    destinations: (options) =>
      administrator.list('recoveryPoints.destinations', 'destinations', () => get('destinations'), options),
    timeline: (destination, options) =>
      administrator.call(
        'recoveryPoints.timeline',
        () => {
          const { before, limit, changes } = options ?? {};
          return get('timeline', { destination, before, limit, changes: changes === true ? 'true' : undefined });
        },
        options,
        OPTIONS.timeline,
      ),
    browse: (options) =>
      administrator.call(
        'recoveryPoints.browse',
        () => {
          const { destination, prefix, after, limit, ...choice } = options ?? {};
          return get('browse', { destination, prefix, after, limit, ...pointQuery(choice) });
        },
        options,
        OPTIONS.browse,
      ),
    find: (options) =>
      administrator.call(
        'recoveryPoints.find',
        () => {
          const { contains, destination, prefix, after, limit, ...choice } = options;
          return get('find', { contains, destination, prefix, after, limit, ...pointQuery(choice) });
        },
        options,
        OPTIONS.find,
      ),
    compare: (options) =>
      administrator.call(
        'recoveryPoints.compare',
        () => {
          const { destination, prefix, after, limit } = options;
          const [from, to] = [pointQuery(options.from), pointQuery(options.to)];
          const points = { fromAt: from.at, fromSnapshot: from.snapshot, toAt: to.at, toSnapshot: to.snapshot };
          return get('compare', { destination, prefix, after, limit, ...points });
        },
        options,
        OPTIONS.compare,
      ),
    versions: (key, options) =>
      administrator.call(
        'recoveryPoints.versions',
        () => get(`versions/${encodeKey(parseStoreKey(key))}`, { destination: options?.destination }),
        options,
        OPTIONS.versions,
      ),
    retrieveStream: (key, options) =>
      calls.aboutObject('recoveryPoints.retrieveStream', key, options, OPTIONS.retrieve, async (name, signal) => {
        const { destination, version, start, end, ...choice } = options;
        const query = { destination, version, ...pointQuery(choice), ...rangeIn({ start, end }) };
        const { info, stream } = await openAnswer<Metadata>(
          calls,
          `/v1/recovery-points/objects/${encodeKey(name)}${encodeQuery(query)}`,
          signal,
        );
        const data = calls.during(stream, 'recoveryPoints.retrieveStream', name, signal);
        return { stream: data, metadata: info.metadata, info };
      }),
    receipts: (destination, options) =>
      administrator.call('recoveryPoints.receipts', () => get('receipts', { destination }), options),
  };
}
