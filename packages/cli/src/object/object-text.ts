import type { ObjectInfo } from 'securestore';
import { count, formatBytes, formatFields, formatTime, printable } from '../terminal/terminal-text.ts';

/** What `--json` says of an object. */
export function infoRecord(info: ObjectInfo): object {
  const { key, version, size, category, created, modified, expires, metadata, keyVersion } = info;
  return { key, version, size, category, created, modified, expires, metadata, keyVersion };
}

/** A size for people: exact, and rounded where that helps. */
export function formatSize(size: number): string {
  return size < 1024 ? count(size, 'byte') : `${count(size, 'byte')} (${formatBytes(size)})`;
}

/**
 * What is known of an object, for people.
 *
 * @param shown what the names of the object and its category are to be shown as.
 */
export function infoLines(info: ObjectInfo, shown: (name: string) => string): string[] {
  const metadata = Object.entries(info.metadata).map(([name, value]): [string, string] => [
    `  ${printable(name)}`,
    printable(typeof value === 'string' ? value : JSON.stringify(value)),
  ]);
  const lines = formatFields({
    key: shown(info.key),
    size: formatSize(info.size),
    version: info.version,
    modified: formatTime(info.modified),
    created: formatTime(info.created),
    expires: info.expires === undefined ? undefined : formatTime(info.expires),
    category: shown(info.category),
    'key version': info.keyVersion,
    metadata: metadata.length === 0 ? 'none' : undefined,
  });
  return metadata.length === 0 ? lines : [...lines, 'metadata', ...formatFields(Object.fromEntries(metadata))];
}
