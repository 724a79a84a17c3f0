import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { DrillReceipt } from '@securestore/backup';
import type { WireReceipts } from '@securestore/protocol';
import { count, duration } from '../lib/format.ts';
import { factsIn } from '../lib/points.ts';
import { Badge, Button, Empty } from './basics.tsx';
import { Receipt } from './receipt.tsx';
import type { ReceiptFacts } from './receipt.tsx';
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
  readonly detail: { readonly title: string; readonly of: (facts: ReceiptFacts) => string };
}

/** What was tried or done, by its receipts. */
function ReceiptTable({ caption, what, took, receipts, detail }: ReceiptsProps): JSX.Element {
  const [opened, setOpened] = useState<number>();
  const shown = opened === undefined ? undefined : receipts[opened];
  return (
    <>
      <div class="table" tabIndex={0} role="region" aria-label={`${caption} A table`}>
        <table>
          <caption>{caption}</caption>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col" class="number">
                {took}
              </th>
              <th scope="col">{detail.title}</th>
              <th scope="col">Outcome</th>
              <th scope="col">
                <span class="hidden">Receipt</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {receipts.slice(0, SHOWN).map(({ time, receipt }, at) => {
              const facts = factsIn<ReceiptFacts>(receipt);
              const length = facts?.recovery ?? facts?.took;
              return (
                <tr key={receipt.signature}>
                  <th scope="row">
                    <Time of={time} />
                  </th>
                  <td class="number">{length === undefined ? '–' : duration(length)}</td>
                  <td class="wrap">{facts === undefined ? '–' : detail.of(facts)}</td>
                  <td>
                    <Badge tone={facts?.ok === true ? 'ok' : 'bad'}>{facts?.ok === true ? 'good' : 'failed'}</Badge>
                  </td>
                  <td>
                    <Button
                      kind="quiet"
                      pressed={opened === at}
                      label={`Receipt of the ${what} of ${time}`}
                      onPress={() => setOpened(opened === at ? undefined : at)}
                    >
                      Receipt
                    </Button>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {shown !== undefined && (
        <Receipt receipt={shown.receipt} name={`${what}-receipt-${shown.time.slice(0, 10)}.json`} />
      )}
    </>
  );
}

/** What a destination was tried by, and what was restored from it. */
export function Receipts({ receipts: { drills, restores } }: { readonly receipts: WireReceipts }): JSX.Element {
  return (
    <>
      {drills.length === 0 ? (
        <Empty title="No drill yet">
          <p>
            A backup that was never restored is a hope. A drill restores it to memory, compares it with the store, and
            measures how long that takes.
          </p>
        </Empty>
      ) : (
        <ReceiptTable
          caption="Drills: recoveries that were tried, and how long they took."
          what="drill"
          took="Recovery took"
          receipts={drills}
          detail={{ title: 'Objects', of: ({ objects = 0 }) => count(objects) }}
        />
      )}
      {restores.length > 0 && (
        <ReceiptTable
          caption="Restores from here."
          what="restore"
          took="Took"
          receipts={restores}
          detail={{ title: 'By', of: ({ by = '' }) => by }}
        />
      )}
    </>
  );
}
