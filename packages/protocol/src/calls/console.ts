import type { Permission, StoreAction } from '@securestore/acl';
import type {
  BrowsePage,
  ComparePage,
  FindPage,
  KeyTimeline,
  Receipts,
  RestoreJobReport,
  RestoreStoreJobReport,
  Timeline,
} from '@securestore/backup';
import type { JobProgress } from '@securestore/objects';
import type { Wire } from '../http/dates.ts';
import type { Problem } from '../http/problem.ts';

/** Where the console is, and what its pages ask for beside the interface under `/v1`. */
export const CONSOLE_PATHS = {
  /** The page. Others below it are its files. */
  page: '/console/',
  /** `GET` {@link ConsoleSettings}, without credentials. */
  settings: '/console/settings',
  /** `POST` {@link SignIn} signs in, `GET` tells who is signed in, `DELETE` signs out. Answers are {@link ConsoleSession}. */
  session: '/console/session',
  /** `POST` with the name of a provider as `{ "provider": … }` answers {@link OidcStart}: where the browser has to go. */
  oidc: '/console/oidc',
  /** Where a provider sends the browser back to. It ends at {@link CONSOLE_PATHS.page}, with `#/sign-in?error=CODE` where it fails. */
  callback: '/console/oidc/callback',
  /** `POST` {@link DownloadRequest} answers {@link Download}. */
  downloads: '/console/downloads',
} as const;

/** The headers of requests of the console. */
export const CONSOLE_HEADERS = {
  /** {@link ConsoleSession.csrf}, on each request but `GET` of the session: without it a cookie counts for nothing. */
  csrf: 'securestore-csrf',
  /** `true` on what a page asks by itself, from time to time: it does not keep a session from its idle limit. */
  unattended: 'securestore-unattended',
} as const;

/** What a page may know before anybody has signed in. */
export interface ConsoleSettings {
  /** Of the server. */
  readonly version: string;
  /** The OpenID Connect providers that people may sign in with. */
  readonly providers: readonly { readonly name: string; readonly title: string }[];
}

/** Signing in with an API token of the store, or a JWT of an issuer that the server knows. */
export interface SignIn {
  readonly token: string;
}

export interface OidcStart {
  /** Where the browser has to go, by `location.assign`. */
  readonly url: string;
}

/** Who is signed in. */
export interface ConsoleSession {
  readonly principal: string;
  /** The identity of the store. */
  readonly fingerprint: string;
  /** To be sent as {@link CONSOLE_HEADERS.csrf}, and kept in memory alone. */
  readonly csrf: string;
  /** How long it lasts without a request, in milliseconds. */
  readonly idle: number;
  /** How long it lasts from now on if nobody asks anything, in milliseconds: no clock but that of the server counts. */
  readonly left: number;
  /** When it ends in any case, as ISO 8601. */
  readonly ends: string;
  /** What may be done with the whole store. What is about objects is asked for by doing it. */
  readonly permissions: Readonly<Record<StoreAction, Permission>>;
}

/** What is to be downloaded: once, within a minute, by `GET` of {@link Download.url} in the same session. */
export type DownloadRequest =
  /** The data of one object: as it is now, or as it was at a point of `destination`; of that `version` instead of the current one then. */
  | {
      readonly type: 'object';
      readonly key: string;
      readonly destination?: string;
      readonly at?: string;
      readonly snapshot?: number;
      readonly version?: string;
    }
  /** A tar of objects of a point: those below `prefix`, or `keys`. What may not be read is not in it, and a file `left-out-….txt` names it. */
  | {
      readonly type: 'archive';
      readonly destination: string;
      readonly at?: string;
      readonly snapshot?: number;
      readonly prefix?: string;
      readonly keys?: readonly string[];
    };

export interface Download {
  /** Below {@link CONSOLE_PATHS.downloads}; an attachment. */
  readonly url: string;
  /** What the file is to be called. */
  readonly name: string;
  /** Of an archive, how many objects will be in it, and how many will not since they may not be read. Absent where more than 5,000 were chosen. */
  readonly objects?: number;
  readonly leftOut?: number;
}

/** Work that the caller has started over this server, and what came of it: kept for a day after its end, the last 50 of a caller. */
export interface WorkRecord {
  /** Of the record, never used again. The event `job` of what starts work tells it as `record`. */
  readonly id: string;
  /** Of the job, such as `restore`: for `/v1/jobs`. */
  readonly job: string;
  /** The route that started it, such as `POST /v1/restore`. */
  readonly route: string;
  /** The body of the request, where it holds no secret: sent again it goes on with a restore that was stopped. */
  readonly asked?: unknown;
  readonly state: 'running' | 'done' | 'failed';
  readonly started: string;
  readonly ended?: string;
  /** The last that is known. */
  readonly progress?: JobProgress;
  /** Where it is done, and the caller may do such work still. */
  readonly report?: unknown;
  /** Where it failed; `ABORTED` where it was stopped. */
  readonly error?: Problem;
}

/** What `GET /v1/recovery-points/…` and the like answer. */
export type WireTimeline = Wire<Timeline>;
export type WireBrowsePage = Wire<BrowsePage>;
export type WireFindPage = Wire<FindPage>;
export type WireKeyTimeline = Wire<KeyTimeline>;
export type WireComparePage = Wire<ComparePage>;
export type WireReceipts = Wire<Receipts>;
export type WireRestoreReport = Wire<RestoreJobReport>;
/** Of a report about a new store: of when access to it is. */
export type WireRestoredAccess = Wire<RestoreStoreJobReport['access']>;
