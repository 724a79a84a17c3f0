import type { FastifyReply } from 'fastify';

/** What every answer says to browsers, whatever it is. */
const ALWAYS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** Of what is no page: it loads nothing and is shown in nothing. */
const NOTHING = "default-src 'none'; frame-ancestors 'none'";

/** Of the page: everything from its own origin, and nothing that is written into it. */
export const PAGE_POLICY: string = [
  "default-src 'none'",
  ...['script-src', 'style-src', 'img-src', 'font-src', 'connect-src', 'form-action'].map((name) => `${name} 'self'`),
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** For answers that are sent without a framework. */
export const BARE_FIELDS: Readonly<Record<string, string>> = { ...ALWAYS, 'content-security-policy': NOTHING };

/** The same as text, for the answer to what is no request. */
export const BARE_HEADERS: string = Object.entries(BARE_FIELDS)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('');

const UNLESS_SAID_OTHERWISE: Readonly<Record<string, string>> = { ...BARE_FIELDS, 'cache-control': 'no-store' };

/** Has an answer say how a browser is to treat it. Nothing of it is kept, unless something else is said later. */
export function secure(reply: FastifyReply): void {
  reply.headers(UNLESS_SAID_OTHERWISE);
}
