/** An etag as the backend gives it: without quotes, so that it can only be one, and neither `*` nor a list of them. */
export function plainEtag(etag: string): string {
  return etag.replace(/^"(.*)"$/, '$1');
}

/** The header of a condition; `undefined` for what no etag of the service looks like, and so matches nothing. */
export function quotedEtag(etag: string): string | undefined {
  return /^[\w.:+/=-]{1,200}$/.test(etag) ? `"${etag}"` : undefined;
}
