import type { IncomingMessage } from 'node:http';
import type { ClientCertificate } from './client-certificate.ts';

/** The peer of a request that another process of the server has received, and forwards. */
export interface ForwardedPeer {
  readonly address: string;
  readonly certificate: ClientCertificate | undefined;
}

const PEER = Symbol('peer');

/** The peer of a request, if the request was forwarded by another process of the server. */
export function forwardedPeerOf(request: IncomingMessage): ForwardedPeer | undefined {
  return (request as { readonly [PEER]?: ForwardedPeer })[PEER];
}

/** Notes the peer of a request that a process of the server has forwarded. */
export function setForwardedPeer(request: IncomingMessage, peer: ForwardedPeer): void {
  Object.assign(request, { [PEER]: peer });
}
