type NoParameters = unknown;
interface JobParameter {
  readonly job: string;
}
interface KeyParameter {
  readonly key?: string | undefined;
}
interface SourceParameter {
  readonly source?: string | undefined;
}
interface DestinationParameter {
  /** Of backups; without credentials. */
  readonly destination?: string | undefined;
}
interface StoreUrlParameter {
  /** Without credentials. */
  readonly url?: string | undefined;
}
interface PackageParameter {
  readonly package?: string | undefined;
}
interface SlotParameter {
  readonly slot: string;
}

/**
 * What helps against an error, by ids, with their parameters. Ids are added in minor releases and never change their meaning. A program
 * words them in its own terms: none of them is text for a person.
 */
export interface AdviceParameters {
  /** `createStore` makes a store at this URL. */
  readonly 'create-store': NoParameters;
  /** `createStore` with `acceptRollback`, if the store that was at this URL is given up. */
  readonly 'replace-store': NoParameters;
  /** Opening the store with another unlock secret, or one that belongs to it. */
  readonly 'check-unlock-secret': NoParameters;
  /** Opening the store with the unlock secret that a rotation was given, which was interrupted. */
  readonly 'use-new-secret': NoParameters;
  /** Opening the store with as many shares of one set as its threshold says. */
  readonly 'give-more-shares': NoParameters;
  /** `openStore` with `acceptRollback`, if the older state, or the other store, is expected. */
  readonly 'accept-rollback': NoParameters;
  /** `openStore` with `fingerprint`: one that the person who invited you gives, or the one named here, of a store that is known by another URL. */
  readonly 'give-fingerprint': { readonly fingerprint?: string };
  /** `openStore` with `trustOnFirstUse`. */
  readonly 'trust-first-use': NoParameters;
  /** `openStore` with an `anchor`. */
  readonly 'use-anchor': NoParameters;
  /** Closing the store and opening it again. */
  readonly 'reopen-store': NoParameters;
  /** `openStore` with the store URL to which the store was migrated, or with that store URL in `migrationTargets`. */
  readonly 'open-at': { readonly url: string };
  /** `resetClock`: the clock that the store keeps is wrong, and the one of this machine right. */
  readonly 'reset-clock': NoParameters;
  /** Setting the clock of this machine, or that of the backend. */
  readonly 'set-clock': NoParameters;
  /** `restoreStore`: the whole store from a backup, since its backend has lost or damaged data. */
  readonly 'restore-store': DestinationParameter;
  /** The same call with another store URL: one with nothing there, and of which no other store or backup is a part. */
  readonly 'choose-store-url': NoParameters;
  /** Seeing that the disk is mounted, or that the bucket or the server is there. */
  readonly 'check-store-url': StoreUrlParameter;
  /** Finding out who else can write there. */
  readonly 'check-writers': StoreUrlParameter;
  /** A newer release of securestore, or of one of its packages. */
  readonly 'use-newer-release': PackageParameter;

  /** The same call once more, later. */
  readonly 'try-again': NoParameters;
  /** Waiting until the job has ended. */
  readonly 'wait-for-job': JobParameter;
  /** `store.jobs.resume(job)`. */
  readonly 'resume-job': JobParameter;
  /** `store.jobs.cancel(job)`. */
  readonly 'cancel-job': JobParameter;
  /** `store.jobs.forget(job)`. */
  readonly 'forget-job': JobParameter;
  /** `store.gc`. */
  readonly 'collect-garbage': NoParameters;
  /** `store.verify` names what is damaged in the store. */
  readonly 'verify-store': NoParameters;
  /** The same call once more begins the job again. */
  readonly 'start-job-again': JobParameter;
  /** `store.rotateEncryptionKey` begins a rotation. */
  readonly 'start-rotation': NoParameters;

  /** `store.scrub` with a backup to repair objects from. */
  readonly 'repair-object': KeyParameter;
  /** `restore` of this object with the conflict policy `overwrite`. */
  readonly 'restore-object': KeyParameter;
  /** `store.store` with `ifDamaged`. */
  readonly 'overwrite-damaged': KeyParameter;
  /** `store.store` once more, or `store.delete`: either replaces what is there. */
  readonly 'store-again': KeyParameter;
  /** `store.undelete`. */
  readonly 'undelete-object': KeyParameter;
  /** `store.history` lists the versions: one that has not expired can be made current by `store.restoreVersion`. */
  readonly 'list-versions': KeyParameter;
  /** `store.restoreVersion`, if this older version is what is wanted. */
  readonly 'restore-version': KeyParameter & { readonly version: string };
  /** `restore` with a conflict policy: `skip`, `newer`, `overwrite` or `rename`. */
  readonly 'choose-conflict-policy': NoParameters;
  /** The same restore once more, which does what is left; of a new store, with its store URL. */
  readonly 'resume-restore': StoreUrlParameter;
  /** `store.backups.endRestore` opens a store for writers whose restore was interrupted. */
  readonly 'give-up-restore': NoParameters;
  /** `restore` to a new store URL with `partial`: what is damaged is left out, and reported. */
  readonly 'restore-partially': NoParameters;
  /** `openBackup`, or `store.backups.list`, shows the snapshots. */
  readonly 'list-snapshots': DestinationParameter;
  /** `store.backups.list` shows the snapshots: one is chosen by the option `snapshot`. */
  readonly 'choose-snapshot': DestinationParameter;
  /** `store.backup` makes a snapshot, and reads the whole store if what is at the destination is damaged. */
  readonly 'make-snapshot': DestinationParameter;
  /** `store.backups.verify` names what is damaged, and the snapshots and objects that need it. */
  readonly 'verify-backup': DestinationParameter;
  /** `store.backups.retain` with `damaged` removes damaged snapshots, too. */
  readonly 'remove-damaged-snapshots': DestinationParameter;
  /** `store.backups.setRetention` says what the destination keeps. */
  readonly 'set-retention': DestinationParameter;
  /** `store.backups.register`, or a first backup there. */
  readonly 'register-destination': DestinationParameter;
  /** `store.backups.unregister`, if the destination is not used any more. */
  readonly 'unregister-destination': DestinationParameter;
  /** `store.backups.unregister`, if the destination is lost for good, and then the same call again. */
  readonly 'replace-destination': DestinationParameter;
  /** `store.backup` with `takeOver`, if the store that this one was restored from is lost: it can no longer use its backups then. */
  readonly 'take-over-destination': DestinationParameter;
  /** `store.backups.destinations()`. */
  readonly 'list-destinations': NoParameters;
  /** `store.backups.startContinuous` begins a continuous backup. */
  readonly 'follow-destination': DestinationParameter;
  /** `store.schedules.remove` makes room for another schedule. */
  readonly 'remove-schedule': NoParameters;
  /** `store.schedules.list()`. */
  readonly 'list-schedules': NoParameters;

  /** Storing it under a new key, or with the version that is there as its condition. */
  readonly 'read-again': KeyParameter;

  /** The same `migrateStore` once more. If one store URL alone is given, the other is that of the store at hand, or not known. */
  readonly 'resume-migration': { readonly source?: string | undefined; readonly target?: string | undefined };
  /** `cancelMigration` at the source. */
  readonly 'cancel-migration': SourceParameter;
  /** `failBack`, if the target of the migration is lost. */
  readonly 'reopen-source': SourceParameter;
  /** `migrateStore` with `reencrypt`, which encrypts everything again under other settings. */
  readonly 'migrate-reencrypted': NoParameters;

  /** `exportFolder`: files hold what a `.env` or JSON file cannot. */
  readonly 'export-to-folder': NoParameters;
  /** The same call with a longer `prefix`. */
  readonly 'narrow-prefix': NoParameters;
  /** Renaming a file, or a folder that it is in. */
  readonly 'rename-file': { readonly to?: string | undefined };
  /** Moving a file away whose path another one needs. */
  readonly 'move-file-away': { readonly path: string };
  /** Quotation marks around a value in a `.env` file if a `#` belongs to it, or a space before the `#` of a comment. */
  readonly 'quote-value': NoParameters;
  /** Making a file readable by its owner alone. */
  readonly 'restrict-file': { readonly path: string };
  /** Deleting the file of an anchor, if the store is trusted as it is. */
  readonly 'delete-anchor': { readonly path: string };
  /** Asking an owner, who can unlock the whole store, to do it or to grant it: `store.members.add`. */
  readonly 'ask-owner': NoParameters;
  /** `createStore` and `serve`, on the machine of the store. */
  readonly 'serve-store': NoParameters;

  /** `approvals.request` for an action, on an object or for an operation as a whole. */
  readonly 'request-approval': { readonly action: string; readonly call: string; readonly key?: string | undefined };
  /** Asking an administrator of the store for an action. */
  readonly 'ask-for-permission': { readonly action: string; readonly key?: string | undefined };

  /** `ACTIONS` of `@securestore/acl`. */
  readonly 'list-actions': NoParameters;

  /** TLS, or a proxy in front that has it. */
  readonly 'serve-with-tls': NoParameters;
  /** The certificate of the authority that signed that of the server; of a backend, by this setting of its URL or its options. */
  readonly 'give-tls-ca': { readonly setting?: string | undefined };
  /** A token, or a client certificate. */
  readonly 'give-credentials': NoParameters;

  /** The same call with a store URL of this form. */
  readonly 'give-store-url': { readonly form: string };
  /** Checking the permissions of the credentials for the backend, or the owner and mode of its files. */
  readonly 'check-backend-access': NoParameters;
  /** Installing this package, which has the backend or the client that is missing. */
  readonly 'install-package': { readonly package: string };

  /** `store.jobs.list()`. */
  readonly 'list-jobs': NoParameters;
  /** `store.slots.list()`. */
  readonly 'list-slots': NoParameters;
  /** `store.members.list()`. */
  readonly 'list-members': NoParameters;
  /** `store.encryptionKeys.list()`. */
  readonly 'list-encryption-keys': NoParameters;
  /** `store.settings.get()`. */
  readonly 'show-settings': NoParameters;
  /** `store.settings.change`. */
  readonly 'change-settings': NoParameters;
  /** `store.slots.add`. */
  readonly 'add-slot': NoParameters;
  /** `store.slots.remove(slot)`. */
  readonly 'remove-slot': SlotParameter;
  /** `audit.enable`. */
  readonly 'enable-audit-log': NoParameters;
  /** `audit export` writes the entries to a file outside the store. */
  readonly 'export-audit-log': NoParameters;
  /** `store.encryptionKeys.undo(target)`, while the waiting period lasts. */
  readonly 'undo-key-destruction': { readonly target: string };
}

/** Names one way to help against an error. */
export type AdviceId = keyof AdviceParameters;

/** One way to help against an error: its id with its parameters. */
export type Advice = { [I in AdviceId]: { readonly id: I } & AdviceParameters[I] }[AdviceId];
