const STATUS =
  /^# .+\n\nStatus: (?<status>accepted|superseded by \[[^\]]+\]\((?<by>[\w-]+\.md)\)), (?<date>\d{4}-\d\d-\d\d)\n/;
const ROW = /^\| \[[^\]]+\]\((?<file>[\w-]+\.md)\) +\|[^|]+\| (?<status>[^|]+?) +\| (?<date>[^|]+?) +\|$/gm;

/**
 * What is wrong with the index of the decisions, one a line: a decision that is not in it once, with the status and the date of its page.
 *
 * @param pages The text of each decision, by its file name.
 */
export function wrongDecisions(index: string, pages: Readonly<Record<string, string>>): string[] {
  const rows = [...index.matchAll(ROW)].map(({ groups }) => groups as { file: string; status: string; date: string });
  const missing = rows
    .filter(({ file }) => !(file in pages))
    .map(({ file }) => `${file}: in the index, without a page`);
  const wrong = Object.entries(pages).flatMap(([file, text]) => {
    const said = STATUS.exec(text)?.groups;
    if (said === undefined) return [`${file}: no status and date below the title`];
    if (said['by'] !== undefined && !(said['by'] in pages)) return [`${file}: superseded by an unknown decision`];
    const own = rows.filter((row) => row.file === file);
    if (own.length !== 1) return [`${file}: ${own.length} times in the index`];
    const same = own[0]?.status === said['status'] && own[0]?.date === said['date'];
    return same ? [] : [`${file}: another status or date in the index`];
  });
  return [...missing, ...wrong];
}
