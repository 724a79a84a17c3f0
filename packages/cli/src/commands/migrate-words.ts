import type { MigrationReport } from 'securestore';
import { count, formatBytes, printable } from '../terminal/terminal-text.ts';

/** The report of a migration, with what to do next. */
export function migrationInWords(report: MigrationReport, copyOnly: boolean, resealed: boolean): string[] {
  const { target, migrated, objects, versions, bytes, changes, corrected, failures, pause } = report;
  if (migrated && pause === 0) return [`the store is at ${printable(target)} already: it was migrated before`];
  const wrote = `this run wrote ${count(versions, 'version')} of them, ${formatBytes(bytes)}, to ${printable(target)}`;
  const written = bytes === 0 ? `nothing was left to be written to ${printable(target)}` : wrote;
  const copied = `checked ${count(objects, 'object')}, including deleted ones; ${written}`;
  const followed = changes === 0 ? [] : [`read ${count(changes, 'change')} of the journal meanwhile`];
  const differed = corrected === 0 ? [] : [`corrected ${count(corrected, 'name')} that differed`];
  const lost = failures === 0 ? [] : [`damaged, missing or too large: ${count(failures, 'name')}`];
  const hidden = [report.source, target].some((url) => url.includes('***')) ? [HIDDEN] : [];
  return [copied, ...followed, ...differed, ...lost, ...verdict(report, copyOnly, resealed), ...hidden];
}

/** So that a command that is copied is completed, and not run as it is. */
const HIDDEN =
  '*** stands for what is not printed of a store URL, such as a user and a password: write it as you gave it';

function verdict(
  { failures, source, target, migrated, pause }: MigrationReport,
  copyOnly: boolean,
  resealed: boolean,
): string[] {
  if (migrated && resealed) {
    return [
      `the store is at ${printable(target)} now, re-encrypted; its calls waited for ${pause} ms`,
      'only its new unlock secret opens it; add members, make backups and create API tokens again; the earlier audit log stays at the source',
      `once you are sure, remove ${printable(source)}: its unlock secrets still open it`,
    ];
  }
  if (migrated) {
    return [
      `the store is at ${printable(target)} now; its calls waited for ${pause} ms`,
      `changes are kept for seven days, for a migration back: securestore migrate ${printable(target)} ${printable(source)}`,
      `once you are sure, securestore migrate ${printable(target)} --finalize; then remove ${printable(source)}`,
    ];
  }
  if (failures > 0) {
    return [
      `the store is still at ${printable(source)}. securestore verify --store ${printable(source)} says more; repair it from a backup with scrub ` +
        '--repair, restore single objects with restore --key, or migrate it with --partial, which leaves these as they are',
      'the same command resumes the migration; --cancel gives it up, which restoring the whole store needs first',
    ];
  }
  return copyOnly
    ? [
        `the store is still at ${printable(source)}; the same command without --copy-only migrates it, and --cancel cancels the migration`,
      ]
    : [`the store is still at ${printable(source)}`];
}
