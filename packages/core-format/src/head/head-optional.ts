import { asBuffer, ByteReader, ByteWriter } from '../bytes/bytes.ts';
import type { Field } from '../bytes/fields.ts';
import { readFieldArea, writeFieldArea } from '../bytes/fields.ts';
import type { HeadAudit } from './head-audit.ts';
import { decodeHeadAudit, encodeHeadAudit } from './head-audit.ts';
import type { HeadMigration } from './head-migration.ts';
import { encodeHeadMigration, readHeadMigration } from './head-migration.ts';
import type { Reference, References } from './head-references.ts';
import { readReference, writeReference } from './head-references.ts';
import { ID_LENGTH } from '../record/record.ts';

/** The field of {@link OptionalFields.audit}: critical, since whoever does not know of it would leave what they do out of the log. */
const AUDIT_FIELD = 1;
/** The field of {@link OptionalFields.instances}: whoever does not know of it can't read what past instances have left, and loses nothing. */
const INSTANCES_FIELD = 2;
/** The field of the reference `destinations`: critical, since whoever does not know of it would leave keys in copies that are to be replaced. */
const DESTINATIONS_FIELD = 3;
/** The field of {@link OptionalFields.migration}: critical, since whoever does not know of it would go on writing here when the store is elsewhere. */
const MIGRATION_FIELD = 4;
const KNOWN_FIELDS: ReadonlySet<number> = new Set([AUDIT_FIELD, INSTANCES_FIELD, DESTINATIONS_FIELD, MIGRATION_FIELD]);

/** How many past instances a head tells. */
export const MAX_PAST_INSTANCES = 256;

/** What a head has in its field area. */
export interface OptionalFields {
  /** Absent where the store is not audited. */
  readonly audit?: HeadAudit | undefined;
  /** The instances that this one goes back to, at least one, the newest first, each once, where their audit logs are there still. */
  readonly instances?: readonly Uint8Array[] | undefined;
  /** Absent where the store moves nowhere. */
  readonly migration?: HeadMigration | undefined;
  /** Fields of later releases that may be ignored. */
  readonly extra?: readonly Field[];
}

function destinationsField({ destinations }: References): Field | undefined {
  if (destinations === undefined) return undefined;
  const value = new ByteWriter(128);
  writeReference(value, destinations);
  return { tag: DESTINATIONS_FIELD, critical: true, value: value.finish() };
}

export function writeOptional(writer: ByteWriter, head: OptionalFields & { readonly references: References }): void {
  const audit = head.audit && { tag: AUDIT_FIELD, critical: true, value: encodeHeadAudit(head.audit) };
  const instances = head.instances && {
    tag: INSTANCES_FIELD,
    critical: false,
    value: Buffer.concat(head.instances.map((id) => new ByteWriter(ID_LENGTH).fixed(id, ID_LENGTH).finish())),
  };
  const migration = head.migration && {
    tag: MIGRATION_FIELD,
    critical: true,
    value: encodeHeadMigration(head.migration),
  };
  writeFieldArea(
    writer,
    [audit, instances, destinationsField(head.references), migration, ...(head.extra ?? [])].filter(
      (field) => field !== undefined,
    ),
  );
}

function readInstances(reader: ByteReader, { critical, value }: Field, own: Uint8Array): Uint8Array[] {
  const count = value.length / ID_LENGTH;
  if (critical || !Number.isInteger(count) || count === 0 || count > MAX_PAST_INSTANCES) {
    reader.fail('its past instances are malformed');
  }
  const ids = new ByteReader(reader.what, value);
  const found = Array.from({ length: count }, () => ids.copy(ID_LENGTH));
  const all = new Set([own, ...found].map((id) => asBuffer(id).toString('latin1')));
  if (all.size <= count) reader.fail('it names an instance twice');
  return found;
}

function readDestinations(reader: ByteReader, { critical, value }: Field): Reference {
  if (!critical) reader.fail('its field of destinations may be ignored, which no writer says');
  const field = new ByteReader(reader.what, value);
  const reference = readReference(field);
  field.end();
  return reference;
}

/** @param instance of the head @returns also what the head refers to in an optional field */
export function readOptional(
  reader: ByteReader,
  instance: Uint8Array,
): { readonly optional: OptionalFields; readonly references: References } {
  const fields = readFieldArea(reader, KNOWN_FIELDS);
  const field = fields.find(({ tag }) => tag === AUDIT_FIELD);
  if (field?.critical === false) reader.fail('its field of the audit may be ignored, which no writer says');
  const instances = fields.find(({ tag }) => tag === INSTANCES_FIELD);
  const destinations = fields.find(({ tag }) => tag === DESTINATIONS_FIELD);
  const migration = fields.find(({ tag }) => tag === MIGRATION_FIELD);
  const extra = fields.filter(({ tag }) => !KNOWN_FIELDS.has(tag));
  const optional = {
    ...(field === undefined ? {} : { audit: decodeHeadAudit(field.value) }),
    ...(instances === undefined ? {} : { instances: readInstances(reader, instances, instance) }),
    ...(migration === undefined ? {} : { migration: readHeadMigration(reader, migration, instance) }),
    ...(extra.length === 0 ? {} : { extra }),
  };
  const references = destinations === undefined ? {} : { destinations: readDestinations(reader, destinations) };
  return { optional, references };
}
