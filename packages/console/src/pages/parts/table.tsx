import type { ComponentChildren, JSX } from 'preact';

/** A column of a table. The first one names its rows. */
export interface TableColumn<T> {
  readonly title: string;
  readonly class?: string;
  /** Of what explains itself to those who see it. */
  readonly isTitleHidden?: boolean;
  readonly cell: (row: T, index: number) => ComponentChildren;
}

interface TableProps<T> {
  /** What it is called, for those who don't see it. */
  readonly label: string;
  readonly caption: ComponentChildren;
  readonly columns: readonly TableColumn<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string | number;
  readonly isSelected?: (row: T) => boolean;
  /** Whether it scrolls by itself where it is long. */
  readonly isTall?: boolean;
}

/** A table of some rows. Where there is little room each row takes several lines; the roles say what it is then as well. */
export function Table<T>({
  label,
  caption,
  columns,
  rows,
  keyOf,
  isSelected,
  isTall = false,
}: TableProps<T>): JSX.Element {
  return (
    <div class={`table${isTall ? ' tall' : ''}`} tabIndex={0} role="region" aria-label={`${label}, a table`}>
      <table role="table">
        <caption>{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ title, class: name, isTitleHidden = false }) => (
              <th key={title} role="columnheader" scope="col" class={name}>
                {isTitleHidden ? <span class="hidden">{title}</span> : title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row, index) => (
            <tr key={keyOf(row)} role="row" class={isSelected?.(row) === true ? 'selected' : undefined}>
              {columns.map(({ title, class: name, isTitleHidden = false, cell }, at) => {
                const shown = isTitleHidden ? undefined : title;
                return at === 0 ? (
                  <th key={title} role="rowheader" scope="row" class={name} data-title={shown}>
                    {cell(row, index)}
                  </th>
                ) : (
                  <td key={title} role="cell" class={name} data-title={shown}>
                    {cell(row, index)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
