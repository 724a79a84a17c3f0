import type { SessionApprovals, SessionAudit, StoreAdministration } from '@securestore/acl';
import type { SecureStorage } from '@securestore/objects';

/** What says who asks, where that is not the certificate of `tls`. */
export interface RemoteCredentials {
  /** An API token of the store or a JWT of an issuer that the server knows; a function is asked for each request. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
}

/** Whom to trust, and a certificate of one's own with its key, which is not encrypted: each in PEM, as text or bytes, and looked at before anything is connected to. */
export interface RemoteTls {
  /** Certificates of authorities that vouch for the server, in the place of those that Node knows. */
  readonly ca?: string | Uint8Array | undefined;
  readonly cert?: string | Uint8Array | undefined;
  readonly key?: string | Uint8Array | undefined;
}

/** How a store that is served elsewhere is reached. */
export interface RemoteOptions {
  /** Who asks. */
  readonly credentials: RemoteCredentials;
  readonly tls?: RemoteTls | undefined;
  /** The identity that the store must have: another one is `INTEGRITY`. */
  readonly fingerprint?: string | undefined;
  /** Connections at once. Default 128. */
  readonly connections?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which opening fails with `TIMEOUT`. */
  readonly timeout?: number | undefined;
}

/** A store that is served elsewhere, as one principal may use it: the interface of a session on one that is here. */
export interface RemoteStore extends SecureStorage, Omit<StoreAdministration, 'audit'>, AsyncDisposable {
  readonly audit: SessionAudit;
  /** What takes a second person: asking for it, and deciding about what others ask for. */
  readonly approvals: SessionApprovals;
  /** The identity of the store, as the server says. */
  readonly fingerprint: string;
  /** As whom the server knows who asks. */
  readonly principal: string;
  /** Where the server is. */
  readonly url: string;
  /** Waits for the calls under way; every later one fails with `UNAVAILABLE`. The server goes on. */
  close(): Promise<void>;
}
