import { ADMINISTRATION, SURFACE } from '@securestore/acl';
import type { Action } from '@securestore/acl';
import { ERROR_CODES } from '@securestore/core-format';
import {
  FRAMED_TYPE,
  HEADERS,
  JSON_TYPE,
  MAX_HEADER_METADATA,
  PROBLEM_TYPE,
  RAW_TYPE,
  statusOf,
} from '@securestore/protocol';
import type { Route } from '../../../../packages/server/src/exchange/route.ts';
import { ROUTES } from '../../../../packages/server/src/routes/index.ts';
import { LONG } from '../../../../packages/server/src/routes/jobs.ts';
import * as work from '../../../../packages/server/src/work/work.ts';
import { time } from '../text/amounts.ts';
import { errorsOf } from '../facts/call-errors.ts';
import { FURTHER } from '../facts/further.ts';
import { slug } from '../../../docs-check/src/pages/links.ts';
import type { Row, Schema } from './schema-text.ts';
import { described, rowsOf, structureOf, TYPES, typeOf } from './schema-text.ts';
import { code, definitions, fromPlain, list, page, section, sentence, table } from '../text/markdown.ts';

const headingOf = ({ method, path }: Pick<Route, 'method' | 'path'>): string => `${method} ${path}`;

/** A link to the section of a route, from another page. */
export const routeLink = (route: Route): string => `[${code(headingOf(route))}](http-api.md#${slug(headingOf(route))})`;

const SECRET_MEANING = 'an [unlock secret](#unlock-secrets)';

function requestRows({ query, headers = {}, body }: Route): Row[] {
  const json = typeof body === 'object' ? (body.json as Schema) : undefined;
  return [
    ...(query === undefined ? [] : rowsOf('query', query as unknown as Schema)),
    ...Object.entries(headers).map(([name, meaning]): Row => [
      code(headerName(name)),
      'header',
      `text${meaning.startsWith('required: ') ? ', required' : ''}`,
      described(meaning.replace(/^required: /, '')),
    ]),
    ...(json?.properties === undefined || Object.keys(json.properties).length === 0 ? [] : rowsOf('body', json)),
  ].map(([field, place, type, meaning]) => [
    field,
    place,
    type,
    field.endsWith('UnlockSecret`') ? `${meaning}, ${SECRET_MEANING}` : meaning,
  ]);
}

/** Headers of HTTP as they are mostly written. */
function headerName(name: string): string {
  return name.replaceAll(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase());
}

function bodyLine({ body }: Route): string {
  if (body === 'data') return `Body: the data (\`${RAW_TYPE}\`).`;
  if (body === 'message')
    return `Body: the data (\`${RAW_TYPE}\`), or the object [in frames](#objects-in-frames) (\`${FRAMED_TYPE}\`).`;
  if (body === undefined) return '';
  const json = body.json as Schema;
  return Object.keys(json.properties ?? {}).length === 0 && json.description !== undefined
    ? `Body: ${fromPlain(json.description)}.`
    : '';
}

function answerLine({ answer }: Route): string {
  const json: Schema | undefined = answer.json;
  const members = json === undefined || structureOf(json) !== undefined ? [] : Object.entries(json.properties ?? {});
  const shown = members.map(([name, one]) => `${code(name)} (${typeOf(one)})`);
  const form =
    json === undefined
      ? (answer.media ?? []).map((type) => code(type)).join(' or ')
      : (structureOf(json) ?? (shown.length === 0 ? '' : shown.join(', ')));
  return `Answer: ${fromPlain(answer.description)}${form === '' ? '' : `: ${form}`}.`;
}

/** The statuses of a route that are neither `200` nor in the section about statuses. */
function statusesOf({ method, path, headers = {} }: Route): string {
  const statuses = [
    ...('range' in headers ? ['`206` for a range'] : []),
    ...(method === 'GET' && 'if-none-match' in headers ? ['`304` for a known version'] : []),
    ...('range' in headers ? ['`416` if the range is outside the data'] : []),
    ...(path === '/healthz' || path === '/readyz' ? ['`503`'] : []),
  ];
  return statuses.length === 0 ? '' : `Also: ${statuses.join(', ')}.`;
}

/** What a route does; the page has the sentence about events of long jobs once. */
function descriptionOf({ summary, description }: Route): string {
  const shown = description?.replace(LONG, '').trim() ?? '';
  return [
    sentence(described(summary)),
    ...(shown === '' ? [] : [described(shown)]),
    ...(description?.includes(LONG) === true ? ['[Events](#long-jobs) on request.'] : []),
  ].join(' ');
}

const actionLink = (action: string): string => `[${code(action)}](permissions.md#${slug(action)})`;

function accessLine({ access, further = [] }: Route): string {
  if (access === 'public') return 'Access: without credentials.';
  if (access === 'authenticated') return 'Access: every authenticated caller.';
  const actions: Readonly<Record<string, string>> = {
    ...SURFACE,
    ...ADMINISTRATION,
    'approvals.approve': 'approve',
    'approvals.deny': 'approve',
    health: 'health',
  };
  const action = actions[access];
  const isAlways = (one: Action): boolean =>
    FURTHER.some(([call, needed, when]) => call === access && needed === one && /^always(?!, except)/.test(when));
  const always = further.filter((one) => isAlways(one)).map((one) => ` and ${actionLink(one)}`);
  const sometimes = further.filter((one) => !isAlways(one)).map((one) => actionLink(one));
  const more = `${always.join('')}${sometimes.length === 0 ? '' : `, and [in some cases](permissions.md#further-actions) ${sometimes.join(' and ')}`}`;
  if (action === undefined) return `Access: every authenticated caller; call ${code(access)}.`;
  return `Access: action ${actionLink(action)}${more}; call ${code(access)}.`;
}

/** Errors that every route can have. */
const COMMON: ReadonlySet<string> = new Set(['INVALID_ARGUMENT', 'UNAVAILABLE', 'TIMEOUT', 'THROTTLED', 'LOCKED']);

function errorsLine(root: string, { access }: Route): string {
  if (access === 'public' || access === 'authenticated') return '';
  const errors = errorsOf(root, access).filter((one) => !COMMON.has(one) && one !== 'ACCESS_DENIED');
  return errors.length === 0 ? '' : `Errors of the call: ${errors.map((one) => errorLink(one)).join(', ')}.`;
}

function routeSection(root: string, route: Route): string {
  return section(
    3,
    code(headingOf(route)),
    descriptionOf(route),
    accessLine(route),
    definitions(['Field', 'In', 'Type', 'Meaning'], requestRows(route)),
    bodyLine(route),
    answerLine(route),
    statusesOf(route),
    errorsLine(root, route),
  );
}

/** The first part of a path that tells routes apart. */
function groupOf({ path }: Route): string {
  return /^\/(?:v1\/)?[^/]+/.exec(path)?.[0] ?? path;
}

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'];

/** The routes in the order of their paths, of one path in the order of {@link METHODS}. */
function inOrder(): Route[] {
  return ROUTES.toSorted(
    (a, b) =>
      groupOf(a).localeCompare(groupOf(b), 'en') ||
      a.path.localeCompare(b.path, 'en') ||
      METHODS.indexOf(a.method) - METHODS.indexOf(b.method),
  );
}

function typeSection([name, schema, text]: (typeof TYPES)[number]): string {
  return section(
    3,
    name,
    text,
    definitions(
      ['Field', 'Type', 'Meaning'],
      rowsOf('', schema).map(([field, , type, meaning]) => [
        field,
        schema.required?.includes(field.slice(1, -1)) === true ? type.replace(/, required$/, '') : `${type}, optional`,
        meaning,
      ]),
    ),
  );
}

const errorLink = (one: string): string => `[${code(one)}](../errors.md#${one.toLowerCase()})`;

function statusTable(): string {
  const byStatus = [...Map.groupBy(ERROR_CODES, (one) => statusOf(one))].toSorted(([a], [b]) => a - b);
  return table(
    ['Status', 'Error codes'],
    byStatus.map(([status, ones]) => [code(String(status)), ones.map((one) => errorLink(one)).join(', ')]),
  );
}

const EXAMPLE = `\`\`\`sh
curl -X PUT -H "Authorization: Bearer $SECURESTORE_TOKEN" -H 'Content-Type: application/octet-stream' \\
  -H 'If-None-Match: *' --data-binary @image.txt "$SECURESTORE_URL/v1/objects/deploy/image"
curl -H "Authorization: Bearer $SECURESTORE_TOKEN" "$SECURESTORE_URL/v1/objects/deploy/image"
\`\`\``;

const FAILURE = `\`\`\`json
{
  "type": "https://github.com/securestore/securestore/blob/main/docs/errors.md#conflict",
  "title": "Conflict",
  "status": 412,
  "detail": "store \\"deploy/image\\": the object already exists",
  "code": "CONFLICT",
  "retryable": false,
  "operation": "store",
  "key": "deploy/image",
  "currentVersion": "1j1g6j68nio-ra2fedlm",
  "requestId": "q74N9Fuc8PgjgVU9"
}
\`\`\``;

/** The page about the HTTP interface. */
export function httpApiPage(root: string): string {
  const groups = [...Map.groupBy(inOrder(), groupOf)];
  return page(
    'HTTP API',
    'Every route of a server, for programs that use a store without the library. [Serving a store](../run/server/README.md) starts a server; `GET /openapi.json` has the same description as OpenAPI 3.1.',
    [
      section(
        2,
        'Requests',
        list([
          'Requests are HTTP/1.1 or HTTP/1.0.',
          'A key is the end of a path: each segment is percent-encoded, with `/` between segments.',
          `Bodies are \`${JSON_TYPE}\` in UTF-8, except the data of objects. A field that the route does not know is refused.`,
          'Times are in ISO 8601, such as `2026-11-27T12:00:00.000Z`. Fields that say so are milliseconds since 1970.',
          'Versions are opaque texts, and an `ETag` is the version in quotation marks.',
          `\`${headerName(HEADERS.requestId)}\` names a request in the log of the server and in the audit log. A request may set it: up to 64 letters, digits, \`.\`, \`_\` and \`-\`. Every answer has it.`,
        ]),
      ),
      section(
        2,
        'Authentication',
        'A request has the header `Authorization: Bearer TOKEN`, with an API token of the store or a JWT of an issuer that the server knows. Instead, a TLS client certificate can authenticate. If a request has both, the token is used. A request without valid credentials is answered with `401` and `WWW-Authenticate: Bearer`.',
        'The access policy decides about each request by the [action](permissions.md) of its call. A denied request is answered with `403`.',
      ),
      section(
        2,
        'Conditions',
        list([
          '`If-Match: "VERSION"` makes a change only if this is the current version.',
          '`If-None-Match: *` stores an object only if the object does not exist.',
          '`ifDamaged=true` in the query makes a change only if the current version is damaged.',
          'A request has at most one of them.',
          'If the condition does not hold, nothing is changed, and the answer is `412` with the code `CONFLICT` and `currentVersion`.',
        ]),
      ),
      section(
        2,
        'Statuses and errors',
        `A request that succeeds is answered with \`200\`, unless its section says otherwise. An error has the type \`${PROBLEM_TYPE}\` and is a [Problem](#problem). Decide by its \`code\`: the status is only the nearest that HTTP has.`,
        statusTable(),
        'A failed `If-Match` or `If-None-Match` is `412` instead of `409`. A body that is too large is `413`. `429` has `Retry-After: 1`. `outcome: "unknown"` means that the change may have been made.',
        'Every route except `/healthz` can answer `400 INVALID_ARGUMENT`, `401`, `403`, `423`, `429`, `500`, `503` and `504`. The section of a route names further errors that the library documents for its call.',
      ),
      section(
        2,
        'Example',
        'To store an object that does not exist yet, and to retrieve it:',
        EXAMPLE,
        'The same `PUT` again fails, since the object exists:',
        FAILURE,
      ),
      section(
        2,
        'Objects in headers',
        `\`GET\` and \`HEAD\` of an object have these headers: \`ETag\`, \`Last-Modified\`, \`Accept-Ranges\`, \`Content-Length\`, \`${headerName(HEADERS.info)}\` and \`${headerName(HEADERS.metadata)}\`. The last two are JSON in ASCII. \`${headerName(HEADERS.info)}\` is an [Object](#object) without \`metadata\`. \`${headerName(HEADERS.metadata)}\` is absent if it would have more than ${MAX_HEADER_METADATA.toLocaleString('en')} characters; \`GET /v1/info/{key}\` has it then. The answer to a range also has \`Content-Range\`.`,
      ),
      section(
        2,
        'Objects in frames',
        `With the type \`${FRAMED_TYPE}\`, metadata of any size comes before the data, and an end or an error after the data. The client of the library uses this type.`,
      ),
      section(
        2,
        'Long jobs',
        `A job is answered when it has ended. With \`Accept: text/event-stream\` the answer is events: \`job\` with the ID of the job and of its record, \`progress\` with \`phase\`, \`done\`, \`total\`, \`bytes\`, \`rate\` and \`eta\`, then \`report\`, or \`error\` as a [Problem](#problem).`,
        `A job continues at the server if its client disconnects. \`GET /v1/work/{id}\` has its result for ${time(work.KEPT_FOR)}. Verifications (\`POST /v1/verify\` and \`POST /v1/backups/verify\`) end with the server. The next start of the server resumes other jobs, unless they were cancelled.`,
      ),
      section(
        2,
        'Unlock secrets',
        'An unlock secret is `{ "passphrase": "…" }`, or `{ "key": "…" }` with 32 bytes in base64url. Send it from a file, such as by `curl -d @rotate.json`: other users of the machine can read arguments.',
      ),
      section(
        2,
        'Destinations',
        'The server reads and writes destinations with its own files, network and credentials. A destination must be registered, or in the memory of the server (`memory:`). For any other, the caller needs [`backup.manage`](permissions.md#backupmanage).',
      ),
      ...groups.map(([group, routes]) => section(2, code(group), ...routes.map((route) => routeSection(root, route)))),
      section(2, 'Data types', ...TYPES.map((one) => typeSection(one))),
    ],
  );
}
