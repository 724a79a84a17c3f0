import type { JSX } from 'preact';
import type { SnapshotInfo } from '@securestore/backup';
import type { Wire } from '@securestore/protocol';
import { bytes, count } from '../lib/format.ts';
import { Table } from './table.tsx';
import type { TableColumn } from './table.tsx';
import { Time } from './time.tsx';

type Snapshot = Wire<SnapshotInfo>;

const COLUMNS: readonly TableColumn<Snapshot>[] = [
  { title: 'No.', cell: ({ number }) => number },
  { title: 'Time', cell: ({ time }) => <Time of={time} /> },
  {
    title: 'Label',
    class: 'wrap',
    cell: ({ label }) => (label === '' ? <span class="muted">–</span> : label),
  },
  { title: 'Objects', class: 'number', cell: ({ objects }) => count(objects) },
];

/** Columns of what a snapshot is large by. */
export const WHOLE: TableColumn<Snapshot> = { title: 'Size', class: 'number', cell: ({ bytes: size }) => bytes(size) };
export const COPIED: TableColumn<Snapshot> = {
  title: 'Newly copied',
  class: 'number',
  cell: ({ copied }) => bytes(copied),
};

interface SnapshotTableProps {
  readonly snapshots: readonly Snapshot[];
  readonly caption: string;
  /** Columns beside those that all such tables have. */
  readonly more: readonly TableColumn<Snapshot>[];
  readonly isSelected?: (snapshot: Snapshot) => boolean;
  readonly isTall?: boolean;
}

/** Snapshots, the newest first. */
export function SnapshotTable({ snapshots, caption, more, ...rest }: SnapshotTableProps): JSX.Element {
  return (
    <Table
      label="Snapshots"
      caption={caption}
      columns={[...COLUMNS, ...more]}
      rows={snapshots}
      keyOf={({ number }) => number}
      {...rest}
    />
  );
}
