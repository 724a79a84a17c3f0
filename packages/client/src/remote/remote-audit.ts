import type { SessionAudit } from '@securestore/acl';
import { SecureStoreError } from '@securestore/core-format';
import { checkOptions, inCall } from '@securestore/objects/surface';
import { encodeQuery, EVENTS_TYPE, fromProblem, readEvents, withDates } from '@securestore/protocol';
import { ADMINISTRATION_TIMES } from './administration-times.ts';
import type { Administrator } from './administrator.ts';
import { checkNoFunction, withoutEnds } from './administrator.ts';

const OPTIONS = {
  entries: new Set(['entries', 'object', 'before', 'onCut']),
  tail: new Set(['entries', 'object', 'follow', 'onDamaged', 'onCut']),
  enable: new Set(['auditor', 'mode']),
} as const;

type Entries = Awaited<ReturnType<SessionAudit['entries']>>;
type SentEntry = Omit<Entries[number], 'object'> & {
  readonly object?: { readonly hash: string } | { readonly name: string };
};

interface SentEntries {
  readonly entries?: readonly SentEntry[];
  readonly cut?: string;
}

function entryFrom({ object, ...entry }: SentEntry): Entries[number] {
  if (object === undefined) return entry;
  return { ...entry, object: 'hash' in object ? { hash: Buffer.from(object.hash, 'hex') } : object };
}

function isCut(data: unknown): data is { readonly cut: string } {
  return typeof data === 'object' && data !== null && 'cut' in data && typeof data.cut === 'string';
}

function tellCut({ onCut }: Pick<TailOptions, 'onCut'>, message: string): void {
  onCut?.({ message });
}

/** The log as it comes. */
async function* followed({ calls }: Administrator, options: TailOptions): AsyncGenerator<Entries[number]> {
  const { signal } = options;
  const path = `/v1/audit/entries${encodeQuery({ entries: options.entries, object: options.object })}`;
  const events = await calls.open({ method: 'GET', path, signal, readOnly: true }, EVENTS_TYPE);
  for await (const { type, data } of readEvents(events)) {
    if (type === 'progress' && isCut(data)) tellCut(options, data.cut);
    else if (type === 'progress') yield entryFrom(withDates(data, ADMINISTRATION_TIMES) as SentEntry);
    else if (type === 'error') throw fromProblem(data, lost());
  }
  throw lost();
}

function lost(): SecureStoreError {
  return new SecureStoreError(
    'UNAVAILABLE',
    'the server has ended the connection that reports new entries of the log',
    { advice: [{ id: 'try-again' }] },
  );
}

type TailOptions = NonNullable<Parameters<SessionAudit['tail']>[0]>;

/** The audit log of a store that is served. */
export function remoteAudit(administrator: Administrator): SessionAudit {
  const { calls } = administrator;
  const entries: SessionAudit['entries'] = async (options) => {
    const { entries: most, object, before } = options ?? {};
    const place = before && `${before.time}-${before.sequence}-${before.segment}`;
    const query = { entries: most, object, before: place };
    const { entries: found = [], cut } = await administrator.call<SentEntries>(
      'audit.entries',
      () => ({ method: 'GET', path: '/v1/audit/entries', query }),
      options,
      OPTIONS.entries,
    );
    if (typeof cut === 'string') tellCut(options ?? {}, cut);
    return found.map(entryFrom);
  };
  return {
    async *tail(given = {}) {
      const { follow = false, ...options } = given;
      checkNoFunction('onDamaged', options.onDamaged);
      if (!follow) {
        yield* await entries(options);
        return;
      }
      checkOptions(given, OPTIONS.tail);
      const signal = await calls.listing('audit.tail', options, () => undefined);
      const steps = followed(administrator, { ...options, signal });
      try {
        for (;;) {
          const step = await inCall(
            'audit.tail',
            undefined,
            () => signal,
            () => steps.next(),
          );
          if (step.done === true) return;
          yield step.value;
        }
      } catch (error) {
        // As of a store: whoever follows it ends it so.
        if (options.signal?.aborted !== true || !SecureStoreError.is(error, 'ABORTED')) throw error;
      } finally {
        await steps.return(undefined);
      }
    },
    entries,
    verify: async () => {
      const message =
        'audit.verify: the identity of an auditor is not sent to a server, whose operators must not have it';
      throw new SecureStoreError('UNSUPPORTED', message, { operation: 'audit.verify' });
    },
    examine: (options) =>
      administrator.call('audit.examine', () => ({ method: 'POST', path: '/v1/audit/examine' }), options),
    enable: (options) =>
      administrator.change(
        'audit.enable',
        () => ({ method: 'POST', path: '/v1/audit/enable', body: withoutEnds(options) }),
        options,
        OPTIONS.enable,
      ),
    state: (options) => administrator.call('audit.state', () => ({ method: 'GET', path: '/v1/audit' }), options),
    disable: (options) =>
      administrator.change('audit.disable', () => ({ method: 'POST', path: '/v1/audit/disable' }), options),
  };
}
