import { setTimeout as wait } from 'node:timers/promises';
import { EVENTS_TYPE } from '@securestore/protocol';
import type { TailCut, TrailEntry } from 'securestore';
import { Type } from 'typebox';
import { answerLong } from '../exchange/answer-long.ts';
import type { Route } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import { exactly, NOTHING, reportOf } from '../request/schemas.ts';

/** An entry without bytes: the hash of a name is hexadecimal. */
function entryOf({ object, ...entry }: TrailEntry): object {
  if (object === undefined) return entry;
  return { ...entry, object: 'hash' in object ? { hash: Buffer.from(object.hash).toString('hex') } : object };
}

/** What is left out, in words. */
interface Told {
  cut?: string;
}

async function* entriesOf(entries: AsyncIterable<TrailEntry>, told: Told): AsyncGenerator<object> {
  let isTold = false;
  for await (const entry of entries) {
    if (told.cut !== undefined && !isTold) {
      isTold = true;
      yield { cut: told.cut };
    }
    yield entryOf(entry);
  }
}

/** Where nothing has come for so long, in milliseconds, the answer begins: until then it may be a refusal with its status. */
const REFUSED_WITHIN = 1000;

const DEFAULT_ENTRIES = 20;
/** Where an entry stands: its time, its number, its segment. */
const PLACE = /^([0-9]{1,16})-([0-9]{1,16})-([0-9a-v]{26})$/;

function placeOf({ time, sequence, segment }: TrailEntry): string {
  return `${time}-${sequence}-${segment}`;
}

function placeIn(text: string): { readonly time: number; readonly sequence: number; readonly segment: string } {
  const [, time = '', sequence = '', segment = ''] = PLACE.exec(text) ?? [];
  return { time: Number(time), sequence: Number(sequence), segment };
}

const MODE = Type.String({
  enum: ['batched', 'fail-closed'],
  description: 'batched writes entries within a second; fail-closed answers only when the entry is durable',
});

/** Who tried what. Verifying the log takes the identity of its auditor, which is for nobody who runs a server to see. */
export const AUDIT_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/audit',
    access: 'audit.state',
    summary: 'show whether the store has an audit log, with the recipient of its auditor',
    answer: {
      description: 'the state of the audit log',
      json: exactly({
        on: Type.Boolean(),
        auditor: Type.Optional(Type.String()),
        mode: Type.Optional(MODE),
        notRecorded: Type.Optional(
          Type.Array(Type.String({ enum: ['members', 'backups'] }), {
            description: 'the uses of the store that the log cannot hold: calls of members, and reads of backups',
          }),
        ),
      }),
    },
    handle: ({ session, signal }) => session.audit.state({ signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/audit/entries',
    access: 'audit.entries',
    summary: 'list the newest entries of the audit log, unverified',
    description:
      'With "Accept: text/event-stream" the answer is events "progress", one for each entry, and continues with new entries. The log records such an answer as one attempt. A "cut" says which entries may be missing and why; among events it is an event of its own.',
    query: exactly({
      entries: Type.Optional(
        Type.String({
          pattern: '^[1-9][0-9]{0,4}$',
          title: 'a whole number of 1 to 99999',
          description: 'how many entries; default 20',
        }),
      ),
      object: Type.Optional(
        Type.String({ maxLength: 1024, description: 'only entries about the object with this key' }),
      ),
      before: Type.Optional(
        Type.String({
          pattern: PLACE.source,
          title: 'the "before" of the page of newer entries',
          description: 'the "before" of the page of newer entries',
        }),
      ),
    }),
    answer: {
      description: 'the entries, newest last',
      json: exactly({
        entries: Type.Array(reportOf('an entry')),
        before: Type.Optional(Type.String({ description: 'the "before" of the page of older entries' })),
        cut: Type.Optional(Type.String({ description: 'which older entries may be missing, and why' })),
      }),
    },
    async handle(context) {
      const { session, headers, query, signal } = context;
      const { entries, object, before } = query;
      const most = entries === undefined ? DEFAULT_ENTRIES : Number(entries);
      const about = object === undefined ? {} : { object };
      const told: Told = {};
      const onCut = ({ message }: TailCut): void => void (told.cut = message);
      if (headers.accept?.includes(EVENTS_TYPE) === true) {
        const progress = entriesOf(session.audit.tail({ entries: most, ...about, follow: true, onCut, signal }), told);
        return answerLong(context, { progress, result: wait(REFUSED_WITHIN, null, { ref: false }) });
      }
      const place = before === undefined ? {} : { before: placeIn(before) };
      const found = await session.audit.entries({ entries: most, ...about, ...place, onCut, signal });
      const [oldest] = found;
      const isMore = found.length === most && oldest !== undefined;
      return { entries: found.map(entryOf), ...(isMore && { before: placeOf(oldest) }), ...told };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/audit/examine',
    access: 'audit.examine',
    summary:
      'check without the identity of the auditor that the newest parts of the log are whole, in order, and as recent as the manifest says',
    answer: { description: 'the report of the check', json: reportOf('the report of the check') },
    handle: ({ session, signal }) => session.audit.examine({ signal }),
  }),
  route({
    method: 'POST',
    path: '/v1/audit/enable',
    access: 'audit.enable',
    summary: 'switch the audit log on',
    body: {
      json: exactly({
        auditor: Type.String({ maxLength: 200, description: 'the recipient of the auditor' }),
        mode: Type.Optional(MODE),
      }),
    },
    answer: { description: 'the audit log is on', json: NOTHING },
    async handle({ session, body: { auditor, mode }, signal }) {
      await session.audit.enable({ auditor, ...(mode !== undefined && { mode: mode as 'batched' }), signal });
      return {};
    },
  }),
  route({
    method: 'POST',
    path: '/v1/audit/disable',
    access: 'audit.disable',
    summary: 'switch the audit log off; its entries stay',
    answer: { description: 'the audit log is off', json: NOTHING },
    async handle({ session, signal }) {
      await session.audit.disable({ signal });
      return {};
    },
  }),
];
