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
  givenTime,
  idOf,
  POLICY,
  PRINCIPAL,
  reportOf,
  ROLE,
  RULE,
  textOf,
  TOKEN_INFO,
  VERSION,
  VERSION_AT,
} from '../request/schemas.ts';

const ACTION = Type.String({ minLength: 1, maxLength: 64, description: 'an action, such as read', examples: ['read'] });
const KEY = Type.Optional(textOf('the key of the object, if the action is about one'));
const EXPIRES = Type.Optional(
  Type.Integer({ minimum: 0, description: 'when the grant expires, in milliseconds since 1970' }),
);

/** What became of a change of who may do what. */
const ACCESS_CHANGE = exactly({
  pending: Type.Array(Type.String(), {
    description:
      'destinations that the change did not reach: a store restored from there has the access policy from before',
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
    summary: 'show the access policy; its ETag is for the next If-Match',
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
    summary: 'replace the access policy',
    description:
      'Several policies are made one change after the other. A principal that is missing in one of them is removed with its tokens.',
    headers: { 'if-match': 'required: the entity tag of the policy that is replaced' },
    body: {
      json: exactly({
        policies: Type.Array(POLICY, {
          minItems: 1,
          maxItems: 1000,
          description: 'the new policy, or several that are made one after the other',
        }),
      }),
    },
    answer: { description: 'the change is in effect', json: ACCESS_CHANGE },
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
    summary: 'add a role, or replace its rules',
    body: {
      json: exactly({ name: ROLE, rules: Type.Array(RULE, { maxItems: 200, description: 'all rules of the role' }) }),
    },
    answer: { description: 'the change is in effect', json: ACCESS_CHANGE },
    handle: async (context) => change(context, setRole(context.body.name, context.body.rules as unknown as Rule[])),
  }),
  route({
    method: 'DELETE',
    path: '/v1/roles',
    access: 'access.change',
    summary: 'remove a role and every grant of it',
    query: exactly({ name: ROLE }),
    answer: { description: 'the change is in effect', json: ACCESS_CHANGE },
    handle: async (context) => change(context, removeRole(context.query.name)),
  }),
  route({
    method: 'POST',
    path: '/v1/principals',
    access: 'access.change',
    summary: 'add a principal without grants',
    body: {
      json: exactly({
        name: PRINCIPAL,
        kind: Type.String({ enum: ['user', 'service'], description: 'a person or a service' }),
      }),
    },
    answer: { description: 'the change is in effect', json: ACCESS_CHANGE },
    handle: async (context) => change(context, addPrincipal(context.body.name, context.body.kind as 'user')),
  }),
  route({
    method: 'PUT',
    path: '/v1/principals/disabled',
    access: 'access.change',
    summary: 'disable a principal, or enable it again',
    body: {
      json: exactly({
        name: PRINCIPAL,
        disabled: Type.Boolean({ description: 'whether the principal is denied everything' }),
      }),
    },
    answer: { description: 'the change is in effect', json: ACCESS_CHANGE },
    handle: async (context) => change(context, disablePrincipal(context.body.name, context.body.disabled)),
  }),
  route({
    method: 'DELETE',
    path: '/v1/principals',
    access: 'access.change',
    summary: 'remove a principal with its tokens',
    query: exactly({ name: PRINCIPAL }),
    answer: { description: 'the change is in effect', json: ACCESS_CHANGE },
    handle: async (context) => change(context, removePrincipal(context.query.name)),
  }),
  route({
    method: 'PUT',
    path: '/v1/grants',
    access: 'access.change',
    summary: 'grant a role to a principal, or change when the grant expires',
    body: { json: exactly({ principal: PRINCIPAL, role: ROLE, expires: EXPIRES }) },
    answer: { description: 'the change is in effect', json: ACCESS_CHANGE },
    async handle(context) {
      const { principal, role, expires } = context.body;
      return change(context, grantRole(principal, role, expires));
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/grants',
    access: 'access.change',
    summary: 'revoke a role of a principal',
    query: exactly({ principal: PRINCIPAL, role: ROLE }),
    answer: { description: 'the change is in effect', json: ACCESS_CHANGE },
    handle: async (context) => change(context, revokeRole(context.query.principal, context.query.role)),
  }),
  route({
    method: 'PUT',
    path: '/v1/approval-rules',
    access: 'access.change',
    summary: 'replace the rules about which actions need the approval of a second person',
    body: {
      json: exactly({ rules: Type.Array(APPROVAL_RULE, { maxItems: 100, description: 'all rules about approvals' }) }),
    },
    answer: { description: 'the change is in effect', json: ACCESS_CHANGE },
    handle: async (context) => change(context, setApprovals(context.body.rules as unknown as ApprovalRule[])),
  }),
  route({
    method: 'GET',
    path: '/v1/explain',
    access: 'access.explain',
    summary: 'show whether a principal may do an action, and which rule decides',
    query: exactly({ principal: PRINCIPAL, action: ACTION, key: KEY }),
    answer: { description: 'the decision', json: reportOf('a decision') },
    handle: ({ session, query: { principal, action, key }, signal }) =>
      session.access.explain(principal, action as Action, key, { signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/tokens',
    access: 'access.tokens',
    summary: 'list the valid API tokens, without anything to make a token from',
    answer: {
      description: 'the tokens without their secrets',
      json: exactly({ tokens: Type.Array(exactly(TOKEN_INFO)) }),
    },
    handle: async ({ session, signal }) => ({ tokens: await session.access.tokens({ signal }) }),
  }),
  route({
    method: 'POST',
    path: '/v1/tokens',
    access: 'access.createToken',
    summary: 'create an API token, which is shown only in this answer',
    body: {
      json: exactly({
        principal: PRINCIPAL,
        expires: Type.Optional(givenTime('when the token expires; default never')),
      }),
    },
    answer: { description: 'the token', json: exactly({ ...TOKEN_INFO, token: Type.String() }) },
    handle: ({ session, body: { principal, expires }, signal }) =>
      session.access.createToken(principal, { expires: dateIn(expires), signal }),
  }),
  route({
    method: 'DELETE',
    path: '/v1/tokens',
    access: 'access.revokeToken',
    summary: 'revoke an API token',
    query: exactly({ id: idOf('the ID of the token') }),
    answer: { description: 'the token is revoked', json: ACCESS_CHANGE },
    handle: ({ session, query, signal }) => session.access.revokeToken(query.id, { signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/requests',
    access: 'access.requests',
    summary: 'list all requests for approval that are not over',
    answer: { description: 'the requests', json: exactly({ requests: Type.Array(APPROVAL_REQUEST) }) },
    handle: async ({ session, signal }) => ({ requests: await session.access.requests({ signal }) }),
  }),
  route({
    method: 'GET',
    path: '/v1/approvals',
    access: 'approvals.list',
    summary: 'list the requests for approval of the caller, and those that the caller may decide about',
    answer: { description: 'the requests', json: exactly({ requests: Type.Array(APPROVAL_REQUEST) }) },
    handle: async ({ session, signal }) => ({ requests: await session.approvals.list({ signal }) }),
  }),
  route({
    method: 'POST',
    path: '/v1/approvals',
    access: 'approvals.request',
    summary: 'request the approval of one attempt, which the caller must be allowed to make',
    description:
      'The server determines what the attempt would do now, and puts it into "plan": the approval allows only that. "version" and "at" choose the version of an object to read or to make current again. "operation" is a call about the whole store with its arguments: "about" of a restore is the body of POST /v1/restore; "about" of access.change is { "policies": [...] }, as in PUT /v1/policy.',
    body: {
      json: exactly({
        action: ACTION,
        key: KEY,
        reason: Type.Optional(Type.String({ maxLength: 500, description: 'why the approval is requested' })),
        version: Type.Optional(VERSION),
        at: Type.Optional(VERSION_AT),
        operation: Type.Optional(
          exactly(
            { call: Type.String({ maxLength: 64 }), about: Type.Optional(reportOf('the arguments of the call')) },
            'a call about the whole store',
          ),
        ),
        expires: Type.Optional(givenTime('until when the request waits; default a day')),
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
    summary: 'approve a request, so that the requester may make one attempt',
    body: { json: exactly({ expires: Type.Optional(givenTime('until when the approval is valid; default an hour')) }) },
    answer: { description: 'the request', json: APPROVAL_REQUEST },
    handle: ({ session, params, body, signal }) =>
      session.approvals.approve(params['id'] ?? '', { expires: dateIn(body.expires), signal }),
  }),
  route({
    method: 'POST',
    path: '/v1/approvals/{id}/deny',
    access: 'approvals.deny',
    summary: 'deny a request, or withdraw an approval that is not used yet',
    answer: { description: 'the request', json: APPROVAL_REQUEST },
    handle: ({ session, params, signal }) => session.approvals.deny(params['id'] ?? '', { signal }),
  }),
];
