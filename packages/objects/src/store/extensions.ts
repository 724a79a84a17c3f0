import type { AuditLink } from '@securestore/core-format';
import type { Administration } from './administration.ts';
import { AuditArea } from './audit-extension.ts';
import { BackupArea } from './backup-extension.ts';
import type { OpenCalls } from './call-gate.ts';
import type { Engine } from '../engine/engine.ts';
import { HealthArea } from './health-extension.ts';
import { MigrationArea } from './migration-extension.ts';
import { PolicyObject } from './policy-extension.ts';
import type { Logger } from '../api/types.ts';

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

/** What extensions are made of, beside what every part of a store has. */
export interface ExtensionSettings {
  readonly location: string;
  readonly logger: Logger | undefined;
  /** How far the segments of the audit log went by what is remembered outside the store. */
  readonly rememberedEnds: () => Promise<AuditLink[]>;
}

/** The extensions of a store that is being opened. */
export function makeExtensions(
  engine: Engine,
  calls: OpenCalls,
  administration: Administration,
  { location, logger, rememberedEnds }: ExtensionSettings,
): StoreExtensions {
  return {
    policy: new PolicyObject(engine, calls),
    audit: new AuditArea(engine, calls, rememberedEnds),
    backup: new BackupArea(engine, calls, administration, location, logger),
    health: new HealthArea(engine, calls, administration),
    migration: new MigrationArea(engine, calls, administration, rememberedEnds, logger),
  };
}
