import type {
  AccessAdministration,
  AccessChange,
  Decision,
  Policy,
  PolicyChange,
  SessionApprovals,
} from '@securestore/acl';
import { SecureStoreError } from '@securestore/core-format';
import { NO_OPTIONS } from '@securestore/objects/surface';
import type { Administrator, Request } from './administrator.ts';
import { withoutEnds } from './administrator.ts';
import { outgoingJson } from '../transport/outgoing.ts';

const EXPIRES: ReadonlySet<string> = new Set(['expires']);
const REQUEST: ReadonlySet<string> = new Set(['reason', 'expires', 'version', 'at', 'operation']);
/** So often is a policy changed anew that somebody else has changed meanwhile. */
const TRIES = 10;

/** JSON has no infinities: what has no beginning or no end comes as `null`. */
type SentDecision = Omit<Decision, 'since' | 'until'> & {
  readonly since: number | null;
  readonly until: number | null;
};

/** Puts what changes make of the policy in its place, unless somebody else has changed it meanwhile. @returns what became of it; the tag of the policy that it was, where that was so */
async function changeOnce(
  { calls }: Administrator,
  changes: readonly PolicyChange[],
  signal: AbortSignal | undefined,
  last: string,
): Promise<AccessChange | string> {
  const path = '/v1/policy';
  const { value, tag } = await calls.sendTagged<Policy>({ method: 'GET', path, signal, readOnly: true });
  const policies: Policy[] = [];
  for (const change of changes) policies.push(change(policies.at(-1) ?? value));
  const headers = { 'if-match': tag };
  try {
    return await calls.send<AccessChange>({ method: 'PUT', path, headers, signal }, outgoingJson({ policies }));
  } catch (error) {
    // What is refused though nothing has changed is refused for what it is.
    if (!SecureStoreError.is(error, 'CONFLICT') || tag === last) throw error;
    return tag;
  }
}

/** Who may do what with a store that is served. */
export function remoteAccess(administrator: Administrator): AccessAdministration {
  const { calls } = administrator;
  return {
    policy: (options) => administrator.call('access.policy', () => ({ method: 'GET', path: '/v1/policy' }), options),
    change: (changes, options) =>
      calls.administer('access.change', options, NO_OPTIONS, async (signal) => {
        const all = typeof changes === 'function' ? [changes] : changes;
        if (all.length === 0) return { pending: [] };
        for (let [tries, tag] = [0, '']; tries < TRIES; tries++) {
          const done = await changeOnce(administrator, all, signal, tag);
          if (typeof done !== 'string') return done;
          tag = done;
        }
        throw new SecureStoreError(
          'CONFLICT',
          'the policy was changed by other callers at every attempt. Nothing was changed.',
          {
            advice: [{ id: 'try-again' }],
          },
        );
      }),
    explain: async (principal, action, key, options) => {
      const query = { principal, action, key };
      const request = (): Request => ({ method: 'GET', path: '/v1/explain', query });
      const told = await administrator.call<SentDecision>('access.explain', request, options);
      return { ...told, since: told.since ?? -Infinity, until: told.until ?? Infinity };
    },
    createToken: (principal, options) =>
      administrator.call(
        'access.createToken',
        () => ({ method: 'POST', path: '/v1/tokens', body: { principal, ...withoutEnds(options) } }),
        options,
        EXPIRES,
      ),
    tokens: (options) =>
      administrator.list('access.tokens', 'tokens', () => ({ method: 'GET', path: '/v1/tokens' }), options),
    revokeToken: (id, options) =>
      administrator.call(
        'access.revokeToken',
        () => ({ method: 'DELETE', path: '/v1/tokens', query: { id } }),
        options,
      ),
    requests: (options) =>
      administrator.list('access.requests', 'requests', () => ({ method: 'GET', path: '/v1/requests' }), options),
  };
}

const requestPath = (id: string, verb: string): string => `/v1/approvals/${encodeURIComponent(id)}/${verb}`;

/** What takes a second person. */
export function remoteApprovals(administrator: Administrator): SessionApprovals {
  return {
    request: (action, key, options) =>
      administrator.call(
        'approvals.request',
        () => ({ method: 'POST', path: '/v1/approvals', body: { action, key, ...withoutEnds(options) } }),
        options,
        REQUEST,
      ),
    list: (options) =>
      administrator.list('approvals.list', 'requests', () => ({ method: 'GET', path: '/v1/approvals' }), options),
    approve: (id, options) =>
      administrator.call(
        'approvals.approve',
        () => ({ method: 'POST', path: requestPath(id, 'approve'), body: withoutEnds(options) }),
        options,
        EXPIRES,
      ),
    deny: (id, options) =>
      administrator.call('approvals.deny', () => ({ method: 'POST', path: requestPath(id, 'deny') }), options),
  };
}
