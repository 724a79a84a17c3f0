import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { DrillReceipt } from '@securestore/backup';
import type { WireReceipts } from '@securestore/protocol';
import { count, duration } from '../lib/format.ts';
import { factsIn } from '../lib/points.ts';
import { Badge, Button, Empty, Notice } from './basics.tsx';
import { Receipt } from './receipt.tsx';
import type { ReceiptFacts } from './receipt.tsx';
import { Table } from './table.tsx';
import { Time } from './time.tsx';

/** The newest that are shown. */
const SHOWN = 10;

interface ReceiptsProps {
  readonly caption: string;
  /** What a row is, such as `drill`. */
  readonly what: string;
  readonly took: string;
  readonly receipts: readonly { readonly time: string; readonly receipt: DrillReceipt }[];
  /** What there is to say of each beside how long it took. */
  readonly detail: { readonly title: string; readonly class: string; readonly of: (facts: ReceiptFacts) => string };
}

function lengthOf(facts: ReceiptFacts | undefined): string {
  const length = facts?.recovery ?? facts?.took;
  return length === undefined ? '–' : duration(length);
}

/** What was tried or done, by its receipts. */
function ReceiptTable({ caption, what, took, receipts, detail }: ReceiptsProps): JSX.Element {
  const [opened, setOpened] = useState<number>();
  const shown = opened === undefined ? undefined : receipts[opened];
  return (
    <>
      <Table
        label={caption.replace(/[.:].*$/, '')}
        caption={caption}
        rows={receipts.slice(0, SHOWN).map((one) => ({ ...one, facts: factsIn<ReceiptFacts>(one.receipt) }))}
        keyOf={({ receipt }) => receipt.signature}
        columns={[
          { title: 'When', cell: ({ time }) => <Time of={time} /> },
          { title: took, class: 'number', cell: ({ facts }) => lengthOf(facts) },
          {
            title: detail.title,
            class: detail.class,
            cell: ({ facts }) => (facts === undefined ? '–' : detail.of(facts)),
          },
          {
            title: 'Outcome',
            cell: ({ facts }) => (
              <Badge tone={facts?.ok === true ? 'ok' : 'bad'}>{facts?.ok === true ? 'good' : 'failed'}</Badge>
            ),
          },
          {
            title: 'Receipt',
            isTitleHidden: true,
            class: 'act',
            cell: ({ time }, at) => (
              <Button
                kind="quiet"
                pressed={opened === at}
                label={`Receipt of the ${what} of ${time}`}
                onPress={() => setOpened(opened === at ? undefined : at)}
              >
                Receipt
              </Button>
            ),
          },
        ]}
      />
      {shown !== undefined && (
        <Receipt receipt={shown.receipt} name={`${what}-receipt-${shown.time.slice(0, 10)}.json`} />
      )}
    </>
  );
}

/** What a destination was tried by, and what was restored from it. */
export function Receipts({
  receipts: { drills, restores, withheld = 0 },
}: {
  readonly receipts: WireReceipts;
}): JSX.Element {
  return (
    <>
      {drills.length === 0 && withheld === 0 ? (
        <Empty title="No drill yet">
          <p>
            Nobody has tried this backup. A drill restores it to memory, compares it with the store, and measures how
            long that takes.
          </p>
        </Empty>
      ) : null}
      {drills.length > 0 && (
        <ReceiptTable
          caption="Drills: recoveries that were tried, and how long they took."
          what="drill"
          took="Recovery took"
          receipts={drills}
          detail={{ title: 'Objects', class: 'number', of: ({ objects = 0 }) => count(objects) }}
        />
      )}
      {restores.length > 0 && (
        <ReceiptTable
          caption="Restores from this destination."
          what="restore"
          took="Took"
          receipts={restores}
          detail={{ title: 'By', class: 'wrap', of: ({ by = '' }) => by }}
        />
      )}
      {withheld > 0 && (
        <Notice>
          {withheld === 1 ? 'One more receipt is' : `${count(withheld)} more receipts are`} not shown:{' '}
          {withheld === 1 ? 'it names' : 'they name'} keys that you may not see.
        </Notice>
      )}
    </>
  );
}
