import { ADVICE_IDS, ERROR_CODES } from '@securestore/core-format';
import { Type } from 'typebox';
import type { TArray, TInteger, TObject, TOptional, TProperties, TString, TUnion } from 'typebox';

/** An object that has these members and no others. */
export function exactly<const P extends TProperties>(properties: P, description?: string): TObject<P> {
  return Type.Object(properties, {
    additionalProperties: false,
    ...(description !== undefined && { description }),
  });
}

function timeOf(description: string): TString {
  return Type.String({ format: 'date-time', description });
}

/** A position in data. In a query everything is a text. */
export function positionOf(description: string): TString {
  return Type.String({ pattern: '^(0|[1-9][0-9]{0,15})$', title: 'a whole number of at least 0', description });
}

/** A time as it is given in a query: also one far from now, as JavaScript writes it. */
export function givenTime(description: string): TString {
  return Type.String({
    pattern:
      '^([0-9]{4}|[+][0-9]{6})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})$',
    title: 'a time in ISO 8601, such as 2026-11-27T12:00:00.000Z',
    description,
  });
}

/** The time of a recovery point. */
export const AT: TString = givenTime('the recovery point at this time');
/** The time of a version. */
export const VERSION_AT: TString = givenTime('the version that was current at this time');

/** A flag in a query. */
export function flagOf(description: string): TString {
  return Type.String({ enum: ['true', 'false'], description });
}

export const VERSION: TString = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'the version of an object: opaque, and never used again',
});

export const METADATA: TObject = Type.Object({}, { additionalProperties: true, description: 'at most 64 KiB as JSON' });

/** Of a request that asks for nothing more, and of an answer that says nothing but that it was done. */
export const NOTHING: TObject = exactly({});

const MODIFIED = timeOf('when this version was stored');

export const OBJECT_INFO: TObject = exactly(
  {
    key: Type.String({ description: 'the key' }),
    version: VERSION,
    size: Type.Integer({ minimum: 0, description: 'the length of the data, in bytes' }),
    category: Type.String({ description: 'the category, whose encryption keys encrypt the object' }),
    created: timeOf('when the object was created'),
    modified: MODIFIED,
    expires: Type.Optional(timeOf('when the object expires')),
    metadata: METADATA,
    keyVersion: Type.String({ description: 'the key version that encrypts the object now' }),
  },
  'an object without its data',
);

export const CHANGED_OBJECT: TObject = exactly(
  {
    ...Type.Partial(OBJECT_INFO).properties,
    key: OBJECT_INFO.properties['key'] as TString,
    version: VERSION,
    modified: MODIFIED,
  },
  'an object without its data; only key, version and time if the caller may not read the object',
);

export const HISTORY_ENTRY: TObject = exactly({
  version: VERSION,
  modified: MODIFIED,
  deleted: Type.Boolean({ description: 'whether the entry is a deletion' }),
  purged: Type.Boolean({ description: 'whether the entry is a purge' }),
  expired: Type.Boolean({ description: 'whether the version has expired' }),
  current: Type.Boolean({ description: 'whether the version is the current one' }),
  size: Type.Optional(Type.Integer({ minimum: 0, description: 'the length of the data, in bytes' })),
});

export const HEALTH_REPORT: TObject = exactly({
  status: Type.String({ enum: ['ok', 'degraded', 'failing'], description: 'the worst status of a check' }),
  checks: Type.Array(
    exactly({
      name: Type.String(),
      subject: Type.Optional(Type.String()),
      status: Type.String({ enum: ['ok', 'not-set-up', 'degraded', 'failing'] }),
      reason: Type.String(),
      advice: Type.String(),
      figures: Type.Optional(Type.Record(Type.String(), Type.Number())),
    }),
    { description: 'the checks: name, subject, status, reason, advice and figures' },
  ),
  time: timeOf('when the checks were made'),
  took: Type.Number({ description: 'how long the checks took, in milliseconds' }),
});

export const PROBLEM: TObject = exactly(
  {
    type: Type.String({ format: 'uri', description: 'the address of the page of the code, which does not change' }),
    title: Type.String({ description: 'what the code means' }),
    status: Type.Integer({ description: 'the status of HTTP' }),
    detail: Type.String({ description: 'the message, without the call and the key' }),
    code: Type.String({
      enum: [...ERROR_CODES],
      description: 'decide by the code; the status is only the nearest that HTTP has',
    }),
    retryable: Type.Boolean({ description: 'whether the same request may succeed later' }),
    operation: Type.Optional(Type.String({ description: 'the call that failed' })),
    key: Type.Optional(Type.String({ description: 'the key of the object' })),
    outcome: Type.Optional(Type.String({ enum: ['unknown'], description: 'the change may have been made' })),
    currentVersion: Type.Optional(VERSION),
    approvals: Type.Optional(
      Type.Array(Type.String(), { description: 'the actions that lack the approval of a second person' }),
    ),
    reason: Type.Optional(Type.String({ description: 'with LOCKED: why the store or job is locked' })),
    option: Type.Optional(Type.String({ description: 'with INVALID_ARGUMENT: the invalid option' })),
    advice: Type.Optional(
      Type.Array(Type.Object({ id: Type.String({ enum: [...ADVICE_IDS] }) }, { additionalProperties: Type.String() }), {
        description: 'what helps, the best first: an ID with its parameters',
      }),
    ),
    requestId: Type.Optional(Type.String({ description: 'the ID of the request in the log of the server' })),
  },
  'an error, as problem details of RFC 9457',
);

/** A report of the library, whose members its documentation has. */
export function reportOf(description: string): TObject {
  return Type.Object({}, { additionalProperties: true, description });
}

const SECRET_TITLE = 'an object with either "passphrase", a text, or "key", 32 bytes in base64url';

/** An unlock secret. */
export function secretOf(description: string): TUnion<[TObject<{ passphrase: TString }>, TObject<{ key: TString }>]> {
  return Type.Union([...SECRET.anyOf], { title: SECRET_TITLE, description });
}

/** What unlocks a store. */
export const SECRET: TUnion<[TObject<{ passphrase: TString }>, TObject<{ key: TString }>]> = Type.Union(
  [
    exactly({ passphrase: Type.String({ minLength: 1, maxLength: 65_536 }) }),
    exactly({ key: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$', description: '32 bytes in base64url' }) }),
  ],
  { title: SECRET_TITLE },
);

/** A store URL. */
export function storeUrl(description: string): TString {
  return Type.String({ minLength: 1, maxLength: 4096, description, examples: ['memory:sample'] });
}

export const DESTINATION: TString = storeUrl('the store URL of the destination');

/** A name of at most 256 characters. */
export function nameOf(description: string): TString {
  return Type.String({ minLength: 1, maxLength: 256, description });
}

export const NAME: TString = Type.String({ minLength: 1, maxLength: 256 });
export const PRINCIPAL: TString = nameOf('the principal name');
export const ROLE: TString = nameOf('the name of the role');
/** Of tokens, slots, requests and the like. */
const ID: TString = Type.String({ minLength: 1, maxLength: 64 });

/** An ID that a request names. */
export function idOf(description: string): TString {
  return Type.String({ minLength: 1, maxLength: 64, description });
}

/** A key, or the beginning of one, or another text that is as long at most. */
export function textOf(description: string): TString {
  return Type.String({ maxLength: 1024, description });
}

/** A whole number of at least 1 in a query. */
export function countOf(description: string): TString {
  return Type.String({ pattern: '^[1-9][0-9]{0,15}$', title: 'a whole number of at least 1', description });
}

function textsOf(description: string): TArray<TString> {
  return Type.Array(Type.String({ maxLength: 1024 }), { maxItems: 100, description });
}

/** What a rule is about. */
const SCOPE = {
  actions: textsOf('actions, or patterns of them'),
  keys: Type.Optional(textsOf('patterns of keys; default all keys, and the whole store')),
  categories: Type.Optional(textsOf('categories; default all categories')),
};

/** A rule of a role. */
export const RULE: TObject = exactly({
  effect: Type.String({ enum: ['allow', 'deny'], description: 'a denial overrides every other rule' }),
  ...SCOPE,
  expires: Type.Optional(Type.Integer({ description: 'when the rule ends, in milliseconds since 1970' })),
});

export const APPROVAL_RULE: TObject = exactly(SCOPE);

/** Who may do what. */
export const POLICY: TObject = exactly({
  roles: Type.Array(exactly({ name: NAME, rules: Type.Array(RULE) }), { description: 'the roles: name and rules' }),
  principals: Type.Array(
    exactly({
      name: NAME,
      kind: Type.String({ enum: ['user', 'service'] }),
      disabled: Type.Boolean(),
      grants: Type.Array(exactly({ role: NAME, expires: Type.Optional(Type.Integer()) })),
    }),
    { description: 'the principals: name, kind, disabled and grants' },
  ),
  approvals: Type.Optional(Type.Array(APPROVAL_RULE, { description: 'the rules about approvals' })),
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
const APPROVAL_PLAN: TObject = exactly(
  {
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
  },
  'what the attempt would do',
);

export const APPROVAL_REQUEST: TObject = exactly({
  id: idOf('the ID of the request'),
  principal: nameOf('the principal that asks'),
  action: Type.String({ description: 'the action to approve' }),
  key: Type.Optional(Type.String({ description: 'the key of the object' })),
  reason: Type.Optional(Type.String({ description: 'the reason that the principal gives' })),
  plan: Type.Optional(APPROVAL_PLAN),
  created: Type.Integer({ description: 'when it was made, in milliseconds since 1970' }),
  expires: Type.Integer({ description: 'until when it waits or the approval is valid, in milliseconds since 1970' }),
  state: Type.String({ enum: ['waiting', 'approved', 'denied', 'outdated'], description: 'the state of the request' }),
  by: Type.Optional(nameOf('the principal that approved or denied it')),
});
