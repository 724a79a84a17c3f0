import { hash } from 'node:crypto';
import type { AccessChange, Action, PlannedOperation, Policy, PolicyChange } from '@securestore/acl';
import { SecureStoreError } from '@securestore/core-format';
import { entityTagOf } from '@securestore/protocol';
import {
  addPrincipal,
  disablePrincipal,
  grantRole,
  removePrincipal,
  removeRole,
  revokeRole,
  setApprovals,
  setRole,
} from 'securestore';
import type { ApprovalRule, Rule } from 'securestore';
import { Type } from 'typebox';
import { ifVersionOf } from '../request/conditions.ts';
import { dateIn } from '../request/body-values.ts';
import type { Route, RouteContext } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import {
  APPROVAL_REQUEST,
  APPROVAL_RULE,
  exactly,
  GIVEN_TIME,
  ID,
  NAME,
  POLICY,
  reportOf,
  RULE,
  TOKEN_INFO,
  VERSION,
} from '../request/schemas.ts';

const ACTION = Type.String({ minLength: 1, maxLength: 64, examples: ['read'] });
const KEY = Type.Optional(Type.String({ maxLength: 1024 }));
const EXPIRES = Type.Optional(Type.Integer({ minimum: 0, description: 'milliseconds since 1970' }));

/** What became of a change of who may do what. */
const ACCESS_CHANGE = exactly({
  pending: Type.Array(Type.String(), {
    description:
      'destinations of backups that it could not be brought to: a store restored from there has access as it was before',
  }),
});

/** What tells one policy from another. */
function tagOf(policy: Policy): string {
  return hash('sha256', JSON.stringify(policy), 'base64url');
}

async function change(
  { session, signal }: Pick<RouteContext, 'session' | 'signal'>,
  ...changes: PolicyChange[]
): Promise<AccessChange> {
  return session.access.change(changes, { signal });
}

/** A change that only the policy of this tag is changed by. */
function unlessChanged(tag: string | undefined): PolicyChange {
  return (policy) => {
    if (tag === undefined) {
      throw new SecureStoreError(
        'INVALID_ARGUMENT',
        'the header If-Match must be the ETag of the policy that is replaced',
      );
    }
    if (tag === tagOf(policy)) return policy;
    throw new SecureStoreError('CONFLICT', 'access.change: the policy was changed meanwhile. Nothing was changed.');
  };
}

/** Who may do what. */
export const ACCESS_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/policy',
    access: 'access.policy',
    summary: 'who may do what; its ETag is for changing it',
    answer: { description: 'the policy', json: POLICY },
    async handle({ session, reply, signal }) {
      const policy = await session.access.policy({ signal });
      reply.header('etag', entityTagOf(tagOf(policy)));
      return policy;
    },
  }),
  route({
    method: 'PUT',
    path: '/v1/policy',
    access: 'access.change',
    summary: 'put another policy in the place of the one that was read',
    description:
      'Several policies are taken for one change after the other: who is missing in one of them is removed with their tokens.',
    headers: { 'if-match': 'the entity tag of the policy that it is made of' },
    body: { json: exactly({ policies: Type.Array(POLICY, { minItems: 1, maxItems: 1000 }) }) },
    answer: { description: 'it counts', json: ACCESS_CHANGE },
    async handle(context) {
      const tag = ifVersionOf(context.headers)?.ifVersion;
      const policies = context.body.policies as unknown as Policy[];
      return change(context, unlessChanged(tag), ...policies.map((policy) => (): Policy => policy));
    },
  }),
  route({
    method: 'PUT',
    path: '/v1/roles',
    access: 'access.change',
    summary: 'add a role, or put other rules in its place',
    body: { json: exactly({ name: NAME, rules: Type.Array(RULE, { maxItems: 200 }) }) },
    answer: { description: 'it counts', json: ACCESS_CHANGE },
    handle: async (context) => change(context, setRole(context.body.name, context.body.rules as unknown as Rule[])),
  }),
  route({
    method: 'DELETE',
    path: '/v1/roles',
    access: 'access.change',
    summary: 'remove a role, and every grant of it',
    query: exactly({ name: NAME }),
    answer: { description: 'it is gone', json: ACCESS_CHANGE },
    handle: async (context) => change(context, removeRole(context.query.name)),
  }),
  route({
    method: 'POST',
    path: '/v1/principals',
    access: 'access.change',
    summary: 'add a principal, to whom nothing is granted yet',
    body: { json: exactly({ name: NAME, kind: Type.String({ enum: ['user', 'service'] }) }) },
    answer: { description: 'it is added', json: ACCESS_CHANGE },
    handle: async (context) => change(context, addPrincipal(context.body.name, context.body.kind as 'user')),
  }),
  route({
    method: 'PUT',
    path: '/v1/principals/disabled',
    access: 'access.change',
    summary: 'keep a principal from everything, or end that',
    body: { json: exactly({ name: NAME, disabled: Type.Boolean() }) },
    answer: { description: 'it counts', json: ACCESS_CHANGE },
    handle: async (context) => change(context, disablePrincipal(context.body.name, context.body.disabled)),
  }),
  route({
    method: 'DELETE',
    path: '/v1/principals',
    access: 'access.change',
    summary: 'remove a principal, with their tokens',
    query: exactly({ name: NAME }),
    answer: { description: 'it is gone', json: ACCESS_CHANGE },
    handle: async (context) => change(context, removePrincipal(context.query.name)),
  }),
  route({
    method: 'PUT',
    path: '/v1/grants',
    access: 'access.change',
    summary: 'grant a role, or grant it anew until another time',
    body: { json: exactly({ principal: NAME, role: NAME, expires: EXPIRES }) },
    answer: { description: 'it counts', json: ACCESS_CHANGE },
    async handle(context) {
      const { principal, role, expires } = context.body;
      return change(context, grantRole(principal, role, expires));
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/grants',
    access: 'access.change',
    summary: 'take a role from a principal',
    query: exactly({ principal: NAME, role: NAME }),
    answer: { description: 'it is taken', json: ACCESS_CHANGE },
    handle: async (context) => change(context, revokeRole(context.query.principal, context.query.role)),
  }),
  route({
    method: 'PUT',
    path: '/v1/approval-rules',
    access: 'access.change',
    summary: 'say what takes a second person',
    body: { json: exactly({ rules: Type.Array(APPROVAL_RULE, { maxItems: 100 }) }) },
    answer: { description: 'it counts', json: ACCESS_CHANGE },
    handle: async (context) => change(context, setApprovals(context.body.rules as unknown as ApprovalRule[])),
  }),
  route({
    method: 'GET',
    path: '/v1/explain',
    access: 'access.explain',
    summary: 'whether somebody may do something, and which rule says so',
    query: exactly({ principal: NAME, action: ACTION, key: KEY }),
    answer: { description: 'the decision', json: reportOf('a decision') },
    handle: ({ session, query: { principal, action, key }, signal }) =>
      session.access.explain(principal, action as Action, key, { signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/tokens',
    access: 'access.tokens',
    summary: 'the API tokens that are good, without anything that they could be made from',
    answer: { description: 'them', json: exactly({ tokens: Type.Array(exactly(TOKEN_INFO)) }) },
    handle: async ({ session, signal }) => ({ tokens: await session.access.tokens({ signal }) }),
  }),
  route({
    method: 'POST',
    path: '/v1/tokens',
    access: 'access.createToken',
    summary: 'make an API token, which is shown here and never again',
    body: { json: exactly({ principal: NAME, expires: Type.Optional(GIVEN_TIME) }) },
    answer: { description: 'the token', json: exactly({ ...TOKEN_INFO, token: Type.String() }) },
    handle: ({ session, body: { principal, expires }, signal }) =>
      session.access.createToken(principal, { expires: dateIn(expires), signal }),
  }),
  route({
    method: 'DELETE',
    path: '/v1/tokens',
    access: 'access.revokeToken',
    summary: 'revoke an API token',
    query: exactly({ id: ID }),
    answer: { description: 'it is good for nothing any more', json: ACCESS_CHANGE },
    handle: ({ session, query, signal }) => session.access.revokeToken(query.id, { signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/requests',
    access: 'access.requests',
    summary: 'all requests for approval that are not over',
    answer: { description: 'them', json: exactly({ requests: Type.Array(APPROVAL_REQUEST) }) },
    handle: async ({ session, signal }) => ({ requests: await session.access.requests({ signal }) }),
  }),
  route({
    method: 'GET',
    path: '/v1/approvals',
    access: 'approvals.list',
    summary: "one's own requests for approval, and those that one may decide about",
    answer: { description: 'them', json: exactly({ requests: Type.Array(APPROVAL_REQUEST) }) },
    handle: async ({ session, signal }) => ({ requests: await session.approvals.list({ signal }) }),
  }),
  route({
    method: 'POST',
    path: '/v1/approvals',
    access: 'approvals.request',
    summary: 'ask a second person to approve one attempt; it takes the right to make it',
    description:
      'The server works out what the attempt would do now, as "plan": the approval passes that alone. "version" and "at" are of an object that is to be read, or made current again. What concerns the whole store is a call, with what it is given: "about" of a restore is the body of POST /v1/restore, and that of access.change { "policies": [...] } as PUT /v1/policy takes them.',
    body: {
      json: exactly({
        action: ACTION,
        key: KEY,
        reason: Type.Optional(Type.String({ maxLength: 500 })),
        version: Type.Optional(VERSION),
        at: Type.Optional(GIVEN_TIME),
        operation: Type.Optional(
          exactly({ call: Type.String({ maxLength: 64 }), about: Type.Optional(reportOf('what the call is given')) }),
        ),
        expires: Type.Optional(GIVEN_TIME),
      }),
    },
    answer: { description: 'the request', json: APPROVAL_REQUEST },
    handle: ({ session, body: { action, key, operation, ...asked }, signal }) =>
      session.approvals.request(action as Action, key, {
        ...asked,
        at: dateIn(asked.at),
        expires: dateIn(asked.expires),
        ...(operation && { operation: operation as PlannedOperation }),
        signal,
      }),
  }),
  route({
    method: 'POST',
    path: '/v1/approvals/{id}/approve',
    access: 'approvals.approve',
    summary: 'let the one who asked do it once',
    body: { json: exactly({ expires: Type.Optional(GIVEN_TIME) }) },
    answer: { description: 'the request', json: APPROVAL_REQUEST },
    handle: ({ session, params, body, signal }) =>
      session.approvals.approve(params['id'] ?? '', { expires: dateIn(body.expires), signal }),
  }),
  route({
    method: 'POST',
    path: '/v1/approvals/{id}/deny',
    access: 'approvals.deny',
    summary: 'refuse a request, or take back an approval that is not used yet',
    answer: { description: 'the request', json: APPROVAL_REQUEST },
    handle: ({ session, params, signal }) => session.approvals.deny(params['id'] ?? '', { signal }),
  }),
];
