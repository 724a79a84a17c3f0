/** How many characters are to be put in, taken out, replaced or swapped with the next to make one text of the other. */
function distance(a: string, b: string): number {
  const rows: number[][] = [];
  const at = (row: number, column: number): number => {
    if (row === 0 || column === 0) return row + column;
    return rows[row]?.[column] ?? 0;
  };
  for (let row = 1; row <= a.length; row++) {
    const line: number[] = [row];
    rows[row] = line;
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const ways = [at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + (isSame ? 0 : 1)];
      if (isSwapped) ways.push(at(row - 2, column - 2) + 1);
      line.push(Math.min(...ways));
    }
  }
  return at(a.length, b.length);
}

/** The one of these that `given` is most likely a misspelling of; `undefined` where none is close. */
export function similarTo(given: string, candidates: Iterable<string>): string | undefined {
  // Of a short name two changes make quite another one.
  let best = given.length > 5 ? 2 : 1;
  let found: string | undefined;
  for (const candidate of candidates) {
    const away = distance(given, candidate);
    if (away > best || (away === best && found !== undefined)) continue;
    [best, found] = [away, candidate];
  }
  return found;
}
