import { ADVICE_IDS, ERROR_CODES } from '@securestore/core-format';
import { Type } from 'typebox';
import type { TInteger, TObject, TOptional, TProperties, TString, TUnion } from 'typebox';

/** An object that has these members and no others. */
export function exactly<const P extends TProperties>(properties: P, description?: string): TObject<P> {
  return Type.Object(properties, {
    additionalProperties: false,
    ...(description !== undefined && { description }),
  });
}

const TIME: TString = Type.String({
  format: 'date-time',
  description: 'ISO 8601, such as 2026-11-27T12:00:00.000Z',
});

/** In a query everything is a text. */
export const BYTE_POSITION: TString = Type.String({
  pattern: '^(0|[1-9][0-9]{0,15})$',
  title: 'a whole number of at least 0',
  description: 'a number of bytes',
});

/** A time as it is given in a query: also one far from now, as JavaScript writes it. */
export const GIVEN_TIME: TString = Type.String({
  pattern:
    '^([0-9]{4}|[+][0-9]{6})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})$',
  title: 'a time in ISO 8601, such as 2026-11-27T12:00:00.000Z',
  description: 'ISO 8601, such as 2026-11-27T12:00:00.000Z',
});

export const FLAG: TString = Type.String({ enum: ['true', 'false'] });

export const VERSION: TString = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'of one object: opaque, and never used again',
});

export const METADATA: TObject = Type.Object({}, { additionalProperties: true, description: 'at most 64 KiB as JSON' });

/** Of a request that asks for nothing more, and of an answer that says nothing but that it was done. */
export const NOTHING: TObject = exactly({});

export const OBJECT_INFO: TObject = exactly(
  {
    key: Type.String(),
    version: VERSION,
    size: Type.Integer({ minimum: 0, description: 'of the data, in bytes' }),
    category: Type.String({ description: 'whose keys seal the object' }),
    created: TIME,
    modified: TIME,
    expires: Type.Optional(TIME),
    metadata: METADATA,
    keyVersion: Type.String({ description: 'the key version that seals the object now' }),
  },
  'what is known of an object beside its data',
);

export const CHANGED_OBJECT: TObject = exactly(
  { ...Type.Partial(OBJECT_INFO).properties, key: Type.String(), version: VERSION, modified: TIME },
  'what is known of an object beside its data; to whoever may not read it, no more than its key, version and time',
);

export const HISTORY_ENTRY: TObject = exactly({
  version: VERSION,
  modified: TIME,
  deleted: Type.Boolean(),
  purged: Type.Boolean(),
  expired: Type.Boolean(),
  current: Type.Boolean(),
  size: Type.Optional(Type.Integer({ minimum: 0 })),
});

export const HEALTH_REPORT: TObject = exactly({
  status: Type.String({ enum: ['ok', 'degraded', 'failing'] }),
  checks: Type.Array(
    exactly({
      name: Type.String(),
      subject: Type.Optional(Type.String()),
      status: Type.String({ enum: ['ok', 'not-set-up', 'degraded', 'failing'] }),
      reason: Type.String(),
      advice: Type.String(),
      figures: Type.Optional(Type.Record(Type.String(), Type.Number())),
    }),
  ),
  time: TIME,
  took: Type.Number({ description: 'in milliseconds' }),
});

export const PROBLEM: TObject = exactly(
  {
    type: Type.String({ format: 'uri', description: 'the page that explains the code: one for each, which stays' }),
    title: Type.String({ description: 'what the code means' }),
    status: Type.Integer(),
    detail: Type.String({ description: 'what happened to which thing' }),
    code: Type.String({
      enum: [...ERROR_CODES],
      description: 'what to decide by; the status is only the nearest that HTTP has',
    }),
    retryable: Type.Boolean({ description: 'whether the same request may succeed later' }),
    operation: Type.Optional(Type.String()),
    key: Type.Optional(Type.String()),
    outcome: Type.Optional(Type.String({ enum: ['unknown'], description: 'it may have been done' })),
    currentVersion: Type.Optional(VERSION),
    approvals: Type.Optional(
      Type.Array(Type.String(), { description: 'the actions of which the approval of a second person is missing' }),
    ),
    reason: Type.Optional(Type.String({ description: 'with LOCKED: why' })),
    option: Type.Optional(Type.String({ description: 'with INVALID_ARGUMENT: the option that is wrong' })),
    advice: Type.Optional(
      Type.Array(Type.Object({ id: Type.String({ enum: [...ADVICE_IDS] }) }, { additionalProperties: Type.String() }), {
        description: 'what helps, the best first: an id with its parameters',
      }),
    ),
    requestId: Type.Optional(Type.String()),
  },
  'what went wrong: the problem details of RFC 9457',
);

/** A report of the library, whose members its documentation has. */
export function reportOf(description: string): TObject {
  return Type.Object({}, { additionalProperties: true, description });
}

/** What unlocks a store. */
export const SECRET: TUnion<[TObject<{ passphrase: TString }>, TObject<{ key: TString }>]> = Type.Union(
  [
    exactly({ passphrase: Type.String({ minLength: 1, maxLength: 65_536 }) }),
    exactly({ key: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$', description: '32 bytes in base64url' }) }),
  ],
  { title: 'an object with either "passphrase", a text, or "key", 32 bytes in base64url' },
);

export const STORE_URL: TString = Type.String({ minLength: 1, maxLength: 4096, examples: ['memory:sample'] });
export const NAME: TString = Type.String({ minLength: 1, maxLength: 256 });
/** Of tokens, slots, requests and the like. */
export const ID: TString = Type.String({ minLength: 1, maxLength: 64 });

const TEXTS = Type.Array(Type.String({ maxLength: 1024 }), { maxItems: 100 });

/** A rule of a role. */
export const RULE: TObject = exactly({
  effect: Type.String({ enum: ['allow', 'deny'] }),
  actions: TEXTS,
  keys: Type.Optional(TEXTS),
  categories: Type.Optional(TEXTS),
  expires: Type.Optional(Type.Integer({ description: 'milliseconds since 1970' })),
});

export const APPROVAL_RULE: TObject = exactly({
  actions: TEXTS,
  keys: Type.Optional(TEXTS),
  categories: Type.Optional(TEXTS),
});

/** Who may do what. */
export const POLICY: TObject = exactly({
  roles: Type.Array(exactly({ name: NAME, rules: Type.Array(RULE) })),
  principals: Type.Array(
    exactly({
      name: NAME,
      kind: Type.String({ enum: ['user', 'service'] }),
      disabled: Type.Boolean(),
      grants: Type.Array(exactly({ role: NAME, expires: Type.Optional(Type.Integer()) })),
    }),
  ),
  approvals: Type.Optional(Type.Array(APPROVAL_RULE)),
});

/** What is known of an API token. */
export const TOKEN_INFO: {
  readonly id: TString;
  readonly principal: TString;
  readonly created: TInteger;
  readonly expires: TOptional<TInteger>;
} = {
  id: ID,
  principal: NAME,
  created: Type.Integer({ description: 'milliseconds since 1970' }),
  expires: Type.Optional(Type.Integer()),
};

const COUNT = Type.Optional(Type.Integer({ minimum: 0 }));

/** What an attempt would do, which is what an approval is of. */
const APPROVAL_PLAN: TObject = exactly({
  call: Type.String(),
  about: Type.Optional(reportOf('what the call is given, as far as it is no secret')),
  creates: COUNT,
  replaces: COUNT,
  deletes: COUNT,
  objects: Type.Optional(
    Type.Array(exactly({ key: Type.String(), effect: Type.String({ enum: ['create', 'replace', 'delete'] }) })),
  ),
  unnamed: COUNT,
  digest: Type.Optional(Type.String()),
});

export const APPROVAL_REQUEST: TObject = exactly({
  id: ID,
  principal: NAME,
  action: Type.String(),
  key: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  plan: Type.Optional(APPROVAL_PLAN),
  created: Type.Integer(),
  expires: Type.Integer(),
  state: Type.String({ enum: ['waiting', 'approved', 'denied', 'outdated'] }),
  by: Type.Optional(NAME),
});
