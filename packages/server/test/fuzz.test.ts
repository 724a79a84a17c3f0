import type { PolicyChange } from 'securestore';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import type { Operation, Schema } from './support/interface.ts';
import { operationsOf, sampleOf } from './support/interface.ts';
import type { Answer, World } from './support/world.ts';
import { world } from './support/world.ts';
import { sized, TORTURE } from '../../../tools/campaigns/src/size.ts';
import { ANY_CHARACTER } from '../../../tools/campaigns/src/any-character.ts';

/** What must never be seen by whoever may not see it, nor in a log. */
const CANARIES = { data: 'canary-d4t4', metadata: 'canary-m3t4', name: 'canary-n4m3' } as const;

const nasty = fc.constantFrom(
  '',
  '.',
  '..',
  '/',
  '\0',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  '-1',
  '0',
  '1e309',
  '9007199254740993',
  'NaN',
  'true',
  '[]',
  '{}',
  '"',
  "'; --",
  '${7*7}',
  '\ud800',
  '\ufeff',
  'é'.normalize('NFD'),
  '%00',
  '../../etc/passwd',
  'a'.repeat(5000),
  '1970-01-01T00:00:00Z',
  '+275760-09-13T00:00:00.001Z',
  '00000000000-00000000',
);
const text = fc.oneof(
  nasty,
  fc.string({ unit: ANY_CHARACTER, maxLength: 20 }),
  fc.constantFrom('fuzz/a', 'fuzz/', 'fuzz'),
);
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  nasty,
  fc.constant(JSON.parse('{"__proto__":{"isAdmin":true}}') as object),
);

/** Amounts, such as times. Between these and those that nobody may ask for are some that are waited for, for years on a clock that is wound. */
const amount = fc.oneof(
  fc.double({ min: -1e6, max: 1e6 }),
  fc.constantFrom(0, -0, 5e-324, 1e-9, 1e12, 2 ** 53, 1.7976931348623157e308),
);

/** What a schema allows, or nearly. */
function nearly(schema: Schema): fc.Arbitrary<unknown> {
  const { properties = {}, required = [] } = schema;
  if (schema.enum !== undefined) return fc.oneof(fc.constantFrom(...schema.enum), anything);
  if (schema.type === 'string') return text;
  if (schema.type === 'boolean') return fc.oneof(fc.boolean(), anything);
  if (schema.type === 'integer') return fc.oneof(fc.double(), fc.integer(), anything);
  if (schema.type === 'number') return fc.oneof(amount, anything);
  if (schema.type === 'array') return fc.array(nearly(schema.items ?? {}), { maxLength: 3 });
  if (schema.type !== 'object') return anything;
  const members = Object.entries(properties).map(([name, one]) => {
    const given = fc.oneof({ weight: 5, arbitrary: nearly(one) }, { weight: 1, arbitrary: anything });
    const rate = required.includes(name) ? 9 : 3;
    const left = fc.oneof({ weight: rate, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) });
    return fc.tuple(left, given).map(([is, value]) => (is ? [[name, value] as const] : []));
  });
  return fc.tuple(...members).map((all) => Object.fromEntries(all.flat()));
}

const query = (value: unknown): string => {
  const given = typeof value === 'string' ? value : JSON.stringify(value);
  return encodeURIComponent((given ?? '').toWellFormed());
};

/** A header can't hold everything. */
const headerText = text.map((one) => one.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 2000));

interface Request {
  readonly operation: Operation;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
}

function requestOf(operation: Operation): fc.Arbitrary<Request> {
  const { parameters, body: bodies } = operation;
  const names = parameters.filter((one) => one.in === 'path');
  const inQuery = parameters.filter((one) => one.in === 'query');
  const inHeader = [...parameters.filter((one) => one.in === 'header').map(({ name }) => name), 'x-request-id'];
  const path = fc
    .tuple(...names.map(() => fc.oneof(fc.constant('fuzz/a'), text)))
    .map((values) =>
      values.reduce(
        (filled, value, at) =>
          filled.replace(`{${names[at]?.name}}`, () =>
            value.toWellFormed().split('/').map(encodeURIComponent).join('/'),
          ),
        operation.path,
      ),
    );
  const queries = fc.tuple(
    ...inQuery.map(({ name, schema }) =>
      fc.option(nearly(schema)).map((value) => (value === null ? [] : [`${name}=${query(value)}`])),
    ),
    fc.constantFrom([], [], [], [], ['x=1']),
  );
  const headers = fc.tuple(
    ...inHeader.map((name) =>
      fc.option(headerText, { freq: 3 }).map((value) => (value === null ? [] : [[name, value] as const])),
    ),
  );
  const schema = bodies?.['application/json']?.schema;
  const json =
    schema === undefined
      ? anything
      : fc.oneof(
          { weight: 4, arbitrary: nearly(schema) },
          { weight: 1, arbitrary: fc.constant(sampleOf(schema)) },
          anything,
        );
  const body = fc.oneof(
    { weight: 4, arbitrary: json.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
    { weight: 1, arbitrary: text.map((one) => one.toWellFormed()) },
  );
  const others = fc.constantFrom('application/json', 'application/vnd.securestore.object', 'text/plain', 'a', '');
  const [own = ''] = Object.keys(bodies ?? {});
  const types = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(own, ...Object.keys(bodies ?? {})) },
    { weight: 1, arbitrary: others },
  );
  const withBody =
    bodies === undefined ? fc.constantFrom(false, false, false, true) : fc.constantFrom(true, true, true, false);
  return fc.tuple(path, queries, headers, body, types, withBody).map(([filled, given, heads, content, type, has]) => {
    const all = given.flat();
    return {
      operation,
      path: all.length === 0 ? filled : `${filled}?${all.join('&')}`,
      headers: { ...Object.fromEntries(heads.flat()), ...(has && { 'content-type': type }) },
      body: has ? content : undefined,
    };
  });
}

async function check({ send, logged }: World, { operation, ...request }: Request, token: string): Promise<Answer> {
  const answer = await send(operation.method, request.path, { token, headers: request.headers, body: request.body });
  const what = `${operation.method} ${request.path} ${JSON.stringify(request.headers)} ${String(request.body)} → ${answer.status} ${answer.body.toString()}`;
  expect(answer.status, what).toBeLessThan(500);
  if (answer.status >= 400 && operation.method !== 'HEAD') {
    expect(answer.headers['content-type'], what).toMatch(/^application\/problem\+json\b/);
    expect(answer.json(), what).toMatchObject({
      type: expect.stringMatching(/^https:/),
      title: expect.any(String),
      status: answer.status,
      code: expect.stringMatching(/^[A-Z_]+$/),
      detail: expect.any(String),
    });
    expect(answer.body.toString(), what).not.toContain(token);
  }
  const told = `${answer.body.toString('latin1')}${JSON.stringify(answer.headers)}`;
  const log = JSON.stringify(logged.splice(0));
  for (const canary of Object.values(CANARIES)) {
    expect(told, what).not.toContain(canary);
    expect(log, what).not.toContain(canary);
  }
  expect(log).not.toContain(token);
  return answer;
}

/** Sends requests of every kind to every route, for as long as they are to be sent, and says how each was answered. */
async function fuzz(
  here: World,
  operations: readonly Operation[],
  before: () => Promise<string>,
  runsOf: (operation: Operation) => number,
): Promise<Map<string, Set<number>>> {
  const statuses = new Map<string, Set<number>>();
  const end = Date.now() + (TORTURE ? 300_000 : 0);
  do {
    for (const operation of operations) {
      const token = await before();
      const name = `${operation.method} ${operation.path}`;
      await fc.assert(
        fc.asyncProperty(requestOf(operation), async (request) => {
          const { status } = await check(here, request, token);
          statuses.set(name, (statuses.get(name) ?? new Set()).add(status));
        }),
        { numRuns: runsOf(operation) },
      );
    }
  } while (Date.now() < end);
  return statuses;
}

const aboutObjects = ({ path }: Operation): boolean => path.includes('{key}') || /keys$|entries$/.test(path);
/** What a passphrase is made of takes a second each. */
const isSlow = ({ path }: Operation): boolean => /slots|rotate|members|backup|restore|scrub|health/.test(path);

const passedIn = (statuses: Map<string, Set<number>>): string[] =>
  [...statuses].filter(([, seen]) => [...seen].some((status) => status < 400)).map(([name]) => name);

/** A policy with these principals, and the roles that they were made with, alone. */
function onlyOf(names: readonly string[]): PolicyChange {
  const isRole = (role: string): boolean => names.some((name) => role === `of ${name}`);
  return (policy) => ({
    ...policy,
    roles: policy.roles.filter(({ name }) => isRole(name)),
    principals: policy.principals
      .filter(({ name }) => names.includes(name))
      .map((principal) => ({ ...principal, grants: principal.grants.filter(({ role }) => isRole(role)) })),
  });
}

const UNLIMITED = { ratePerCaller: 1e9, failuresPerAddress: 1e9 };
const MINUTES = TORTURE ? 3_600_000 : 600_000;

describe('every route, with whatever may be sent to it', () => {
  it(
    'tells no secret to whoever may not see it, and never answers with a defect',
    async () => {
      const here = await world({ limits: UNLIMITED });
      const { store } = here;
      await store.store(`vault/${CANARIES.name}`, CANARIES.data, { metadata: { note: CANARIES.metadata } });
      const token = await here.somebody('fuzzer', [{ effect: 'allow', actions: ['*'], keys: ['fuzz/**'] }]);
      const operations = await operationsOf(here, token);
      const before = async (): Promise<string> => {
        await store.store('fuzz/a', 'there');
        return token;
      };
      const runs = sized({ short: 64, full: 64, torture: 200 });
      const statuses = await fuzz(here, operations, before, (one) => (aboutObjects(one) ? runs : runs / 8));
      // Some of it must have got past the checks, or nothing was tried.
      const open = operations.filter((one) => aboutObjects(one) && !one.path.includes('audit'));
      expect(passedIn(statuses).length).toBeGreaterThanOrEqual(open.length / 2);
      expect((await store.retrieve(`vault/${CANARIES.name}`)).text()).toBe(CANARIES.data);
    },
    MINUTES,
  );

  it(
    'of the administration, has no defect for whoever may do everything',
    async () => {
      const clock = new EagerClock();
      const here = await world({ clock, limits: UNLIMITED }, { clock });
      const { store } = here;
      const all = { effect: 'allow', actions: ['*'] } as const;
      const first = await here.somebody('first', [all]);
      const operations = (await operationsOf(here, first)).filter(
        ({ path }) => !/\{key\}|^\/v1\/(keys|entries)$|readyz/.test(path),
      );
      let serial = 0;
      // Somebody new each time: some requests take rights and tokens away.
      const before = async (): Promise<string> => {
        const name = `fuzzer ${serial++}`;
        const token = await here.somebody(name, [all]);
        // What is left of the others would fill the policy up.
        await store.access.change(onlyOf(['first', name]));
        return token;
      };
      const runs = sized({ short: 12, full: 20, torture: 100 });
      const statuses = await fuzz(here, operations, before, (one) => (isSlow(one) ? runs / 4 : runs));
      expect(passedIn(statuses).length).toBeGreaterThan(operations.length / 4);
      expect((await store.verify()).ok).toBe(true);
    },
    MINUTES,
  );
});
