/** What is asked for, as the interface has it: the route is where it goes, the rest what it is given. */
export type CommandRequest =
  | { readonly type: 'snapshots'; readonly destination: string; readonly windows?: boolean }
  | {
      readonly type: 'restore';
      readonly source: string;
      readonly at?: string | undefined;
      readonly snapshot?: number | undefined;
      readonly prefix?: string | undefined;
      readonly keys?: readonly string[] | undefined;
      readonly into?: string | undefined;
      /** The location of a new store. */
      readonly to?: string | undefined;
      readonly conflict?: string | undefined;
      readonly deleteExtra?: boolean | undefined;
      readonly dryRun?: boolean | undefined;
      readonly verify?: boolean | undefined;
    }
  | {
      /** The value of one key as of a point. */
      readonly type: 'value';
      readonly source: string;
      readonly key: string;
      readonly at?: string | undefined;
      readonly snapshot?: number | undefined;
    }
  | {
      /** A folder of files, as of a point. */
      readonly type: 'download';
      readonly source: string;
      readonly at?: string | undefined;
      readonly snapshot?: number | undefined;
      readonly prefix?: string | undefined;
      readonly keys?: readonly string[] | undefined;
    }
  | {
      readonly type: 'browse';
      readonly destination?: string | undefined;
      readonly at?: string | undefined;
      readonly snapshot?: number | undefined;
      readonly prefix?: string | undefined;
    }
  | {
      readonly type: 'find';
      readonly contains: string;
      readonly destination?: string | undefined;
      readonly at?: string | undefined;
      readonly snapshot?: number | undefined;
      readonly prefix?: string | undefined;
    }
  | {
      readonly type: 'compare';
      readonly destination: string;
      readonly from: { readonly at?: string | undefined; readonly snapshot?: number | undefined };
      readonly to?: { readonly at?: string | undefined; readonly snapshot?: number | undefined } | undefined;
      readonly prefix?: string | undefined;
    }
  | { readonly type: 'versions'; readonly key: string; readonly destination?: string | undefined }
  | { readonly type: 'get' | 'info' | 'history'; readonly key: string }
  | { readonly type: 'backup' | 'drill' | 'verify-backup' | 'retention'; readonly destination: string }
  | { readonly type: 'approve' | 'deny'; readonly id: string }
  | { readonly type: 'health' | 'keys' | 'audit' | 'audit-examine' | 'schedules' | 'destinations' | 'approvals' };
