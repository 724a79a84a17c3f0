import type { JSX } from 'preact';
import type { DrillReceipt } from '@securestore/backup';
import { bytes, count, duration } from '../lib/format.ts';
import { factsIn } from '../lib/points.ts';
import { saveText } from '../lib/save.ts';
import { session } from '../lib/session.ts';
import { Badge, Button, Copy, Notice } from './basics.tsx';
import { Command } from './command.tsx';
import { Time } from './time.tsx';

/** What a receipt says, whatever it is of. */
export interface ReceiptFacts {
  readonly fingerprint: string;
  readonly snapshot: number;
  readonly time: string;
  readonly at?: string;
  readonly begun: string;
  readonly bytes: number;
  readonly ok: boolean;
  readonly source?: string;
  readonly destination?: string;
  readonly took?: number;
  readonly recovery?: number;
  readonly by?: string;
  readonly prefix?: string;
  readonly keys?: number;
  readonly into?: string;
  readonly to?: string;
  readonly objects?: number;
  readonly verified?: number;
  readonly failed?: number;
  readonly digest?: string;
}

function Fact({ title, children }: { readonly title: string; readonly children: JSX.Element | string }): JSX.Element {
  return (
    <div>
      <dt>{title}</dt>
      <dd class="wrap">{children}</dd>
    </div>
  );
}

function whatOf({ prefix, keys }: ReceiptFacts): JSX.Element | string {
  if (prefix !== undefined && prefix !== '') {
    return (
      <>
        all below <bdi>{prefix}</bdi>
      </>
    );
  }
  return keys === undefined ? 'everything' : `${count(keys)} named`;
}

/** A receipt that the store has signed: what it says, and the whole of it to be kept. */
export function Receipt({ receipt, name }: { readonly receipt: DrillReceipt; readonly name: string }): JSX.Element {
  const facts = factsIn<ReceiptFacts>(receipt);
  const whole = JSON.stringify(receipt, undefined, 2);
  if (facts === undefined) return <Notice tone="bad">The receipt can’t be read.</Notice>;
  const took = facts.took ?? facts.recovery;
  const isOwn = facts.fingerprint === session.value?.fingerprint;
  return (
    <div class="receipt">
      <dl class="facts">
        <Fact title="Outcome">
          <Badge tone={facts.ok ? 'ok' : 'bad'}>{facts.ok ? 'good' : 'with failures'}</Badge>
        </Fact>
        <Fact title="Restored moment">
          <Time of={facts.time} isLong />
        </Fact>
        {facts.at !== undefined ? (
          <Fact title="Chosen moment">
            <Time of={facts.at} isLong />
          </Fact>
        ) : (
          <></>
        )}
        <Fact title="From">
          <>
            <bdi>{facts.source ?? facts.destination ?? ''}</bdi>, snapshot {facts.snapshot}
          </>
        </Fact>
        <Fact title="What">{whatOf(facts)}</Fact>
        {facts.into !== undefined ? <Fact title="Below">{facts.into}</Fact> : <></>}
        {facts.to !== undefined ? <Fact title="To">{facts.to}</Fact> : <></>}
        <Fact title="Begun">
          <Time of={facts.begun} isLong />
        </Fact>
        {took !== undefined ? <Fact title="Took">{duration(took)}</Fact> : <></>}
        <Fact title="Data">{bytes(facts.bytes)}</Fact>
        {facts.verified !== undefined ? <Fact title="Read back and compared">{count(facts.verified)}</Fact> : <></>}
        {facts.by !== undefined ? <Fact title="By">{facts.by}</Fact> : <></>}
        {facts.digest !== undefined ? (
          <Fact title="Digest of what was done">
            <code>{facts.digest}</code>
          </Fact>
        ) : (
          <></>
        )}
        <Fact title="Signed by">
          <code>{facts.fingerprint}</code>
        </Fact>
      </dl>
      {!isOwn && <Notice tone="warn">It names another store than the one that you are signed in to.</Notice>}
      <div class="buttons">
        <Button kind="primary" onPress={() => saveText(name, whole)}>
          Save the receipt
        </Button>
        <Copy text={whole} what="receipt" />
      </div>
      <Command request={{ type: 'receipt', file: name }} />
    </div>
  );
}
