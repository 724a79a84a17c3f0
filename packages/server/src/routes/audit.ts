import { setTimeout as wait } from 'node:timers/promises';
import { EVENTS_TYPE } from '@securestore/protocol';
import type { TrailEntry } from 'securestore';
import { Type } from 'typebox';
import { answerLong } from '../answer-long.ts';
import type { Route } from '../route.ts';
import { route } from '../route.ts';
import { exactly, NOTHING, reportOf } from '../schemas.ts';

/** An entry without bytes: the hash of a name is hexadecimal. */
function entryOf({ object, ...entry }: TrailEntry): object {
  if (object === undefined) return entry;
  return { ...entry, object: 'hash' in object ? { hash: Buffer.from(object.hash).toString('hex') } : object };
}

async function* entriesOf(entries: AsyncIterable<TrailEntry>): AsyncGenerator<object> {
  for await (const entry of entries) yield entryOf(entry);
}

/** Where nothing has come for so long, in milliseconds, the answer begins: until then it may be a refusal with its status. */
const REFUSED_WITHIN = 1000;

const MODE = Type.String({ enum: ['batched', 'fail-closed'] });

/** Who tried what. Verifying the log takes the identity of its auditor, which is for nobody who runs a server to see. */
export const AUDIT_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/audit',
    access: 'audit.state',
    summary: 'whether the store is audited, and by whose identity the log is verified',
    answer: {
      description: 'it',
      json: exactly({ on: Type.Boolean(), auditor: Type.Optional(Type.String()), mode: Type.Optional(MODE) }),
    },
    handle: ({ session, signal }) => session.audit.state({ signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/audit/entries',
    access: 'audit.entries',
    summary: 'the newest entries of the audit log, which nothing has verified',
    description:
      'With "Accept: text/event-stream" as events "progress", each an entry, which go on as entries come; that is one attempt in the log itself.',
    query: exactly({
      entries: Type.Optional(
        Type.String({
          pattern: '^[1-9][0-9]{0,4}$',
          title: 'a whole number of 1 to 99999',
          description: 'how many; default 20',
        }),
      ),
      object: Type.Optional(Type.String({ maxLength: 1024, description: 'only those about this object' })),
    }),
    answer: { description: 'them', json: exactly({ entries: Type.Array(reportOf('an entry')) }) },
    async handle(context) {
      const { session, headers, query, signal } = context;
      const { entries, object } = query;
      const count = entries === undefined ? {} : { entries: Number(entries) };
      const about = object === undefined ? {} : { object };
      if (headers.accept?.includes(EVENTS_TYPE) === true) {
        const progress = entriesOf(session.audit.tail({ ...count, ...about, follow: true, signal }));
        return answerLong(context, { progress, result: wait(REFUSED_WITHIN, null, { ref: false }) });
      }
      return { entries: (await session.audit.entries({ ...count, ...about, signal })).map(entryOf) };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/audit/enable',
    access: 'audit.enable',
    summary: 'have the store audited',
    body: {
      json: exactly({
        auditor: Type.String({ maxLength: 200, description: 'the recipient of the auditor' }),
        mode: Type.Optional(MODE),
      }),
    },
    answer: { description: 'it is', json: NOTHING },
    async handle({ session, body: { auditor, mode }, signal }) {
      await session.audit.enable({ auditor, ...(mode !== undefined && { mode: mode as 'batched' }), signal });
      return {};
    },
  }),
  route({
    method: 'POST',
    path: '/v1/audit/disable',
    access: 'audit.disable',
    summary: 'have the store audited no longer; the log stays',
    answer: { description: 'it is not', json: NOTHING },
    async handle({ session, signal }) {
      await session.audit.disable({ signal });
      return {};
    },
  }),
];
