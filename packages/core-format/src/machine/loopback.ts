/**
 * Whether a host is this machine: what is sent there passes no network. Names other than `localhost` are not looked up.
 *
 * @param host a name or an address; an IPv6 address may stand in brackets, as `URL` has it
 */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|\[::1\]|::1|127(?:\.\d{1,3}){3})$/.test(host);
}
