import type { ApprovalRequest } from '@securestore/acl';

/** What an approval is asked for, as the body of the request says it. */
export interface AskedApproval {
  readonly action: string;
  readonly key?: string;
  readonly version?: string;
  readonly at?: string;
  readonly operation?: { readonly call: string; readonly about: object };
}

type About = Readonly<Record<string, unknown>>;

/** Names under which a time, and a store URL, is given: the server has its own way of writing them. */
function isSame(name: string, asked: unknown, planned: unknown): boolean {
  if (name === 'at') return new Date(String(asked)).getTime() === new Date(String(planned)).getTime();
  // A long list is not told as a whole, and neither is a long text.
  if (Array.isArray(asked) && !Array.isArray(planned)) return planned === `${asked.length} of them`;
  if (typeof asked === 'string' && typeof planned === 'string' && planned.endsWith(`… (${asked.length} characters)`))
    return asked.startsWith(planned.slice(0, planned.lastIndexOf('…')));
  return JSON.stringify(asked) === JSON.stringify(planned);
}

const STORE_URLS: readonly string[] = ['destination', 'to'];

/** Whether a request is for this, as far as it shows: what counts is what the server finds when it is used. */
export function isFor(request: ApprovalRequest, { action, key, version, operation }: AskedApproval): boolean {
  if (request.action !== action || request.key !== key) return false;
  const { call, about = {} } = request.plan ?? {};
  if (key !== undefined) return version === undefined || action !== 'read' || (about as About)['version'] === version;
  if (operation === undefined) return true;
  const told = about as About;
  return (
    (call === operation.call || call === action) &&
    Object.entries(operation.about).every(
      ([name, value]) =>
        value === undefined || STORE_URLS.includes(name) || told[name] === undefined || isSame(name, value, told[name]),
    )
  );
}
