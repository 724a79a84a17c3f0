import { AuditArea } from './audit-extension.ts';
import { BackupArea } from './backup-extension.ts';
import type { ExtensionParts } from './extension.ts';
import { HealthArea } from './health-extension.ts';
import { MigrationArea } from './migration-extension.ts';
import { PolicyObject } from './policy-extension.ts';

/** What the packages of this repository do with an open store beside its calls. None of it is for users of a store. */
export interface StoreExtensions {
  /** The policy of access control. */
  readonly policy: PolicyObject;
  /** The parts of the audit log. */
  readonly audit: AuditArea;
  /** What a backup reads, seals and signs. */
  readonly backup: BackupArea;
  /** What health checks look at. */
  readonly health: HealthArea;
  /** What a migration works with. */
  readonly migration: MigrationArea;
}

/** The extensions of a store that is being opened. */
export function makeExtensions(parts: ExtensionParts): StoreExtensions {
  return {
    policy: new PolicyObject(parts),
    audit: new AuditArea(parts),
    backup: new BackupArea(parts),
    health: new HealthArea(parts),
    migration: new MigrationArea(parts),
  };
}
