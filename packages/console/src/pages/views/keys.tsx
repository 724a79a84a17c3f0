import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type {
  EncryptionKeyInfo,
  EncryptionKeyState,
  RotationDepth,
  RotationReport,
  SlotInfo,
} from '@securestore/objects';
import type { Wire } from '@securestore/protocol';
import { get } from '../lib/api.ts';
import { count, counted } from '../lib/format.ts';
import { useResource } from '../lib/resource.ts';
import { may } from '../lib/session.ts';
import { rotating } from '../lib/work.ts';
import { Badge, Button, Failure, Loading, Notice, Panel } from '../parts/basics.tsx';
import { Choice, Field, UNKEPT } from '../parts/fields.tsx';
import type { Tone } from '../parts/basics.tsx';
import { Command } from '../parts/command.tsx';
import { Page } from '../parts/page.tsx';
import { WorkProgress } from '../parts/progress.tsx';
import { Table } from '../parts/table.tsx';
import type { TableColumn } from '../parts/table.tsx';
import { Ago, Time } from '../parts/time.tsx';

const TONES: Readonly<Record<EncryptionKeyState, Tone>> = {
  primary: 'ok',
  enabled: 'neutral',
  disabled: 'warn',
  destroying: 'bad',
  destroyed: 'bad',
};
const MEANINGS: Readonly<Record<EncryptionKeyState, string>> = {
  primary: 'seals what is written now',
  enabled: 'opens what was written before',
  disabled: 'opens backups alone',
  destroying: 'opens nothing, and can be brought back for a while',
  destroyed: 'gone',
};

function Versions({
  keys,
  usage,
}: {
  readonly keys: readonly Wire<EncryptionKeyInfo>[];
  readonly usage: Readonly<Record<string, number>> | undefined;
}): JSX.Element {
  return (
    <Table
      label="Key versions"
      caption="All key versions, and what they may be used for."
      rows={keys}
      keyOf={({ id }) => id}
      columns={[
        { title: 'Key version', cell: ({ id }) => <code>{id}</code> },
        {
          title: 'Of',
          class: 'wrap',
          cell: ({ kind, category }) => (category === undefined ? kind : `category ${category}`),
        },
        { title: 'State', cell: stateOf },
        {
          title: 'Records under it',
          class: 'number',
          cell: ({ id, kind }) => (kind === 'category' && usage !== undefined ? count(usage[id] ?? 0) : '–'),
        },
        { title: 'Made', cell: ({ created }) => <Time of={created} /> },
      ]}
    />
  );
}

function stateOf({ state, destroyAt }: Wire<EncryptionKeyInfo>): JSX.Element {
  return (
    <>
      <Badge tone={TONES[state]}>{state}</Badge> <span class="muted">{MEANINGS[state]}</span>
      {destroyAt !== undefined && (
        <span class="muted">
          , destroyed <Ago of={destroyAt} />
        </span>
      )}
    </>
  );
}

function VersionsPanel(): JSX.Element {
  const { value, error, isSlow, reload } = useResource(
    'keys',
    async (asked) =>
      (await get<{ encryptionKeys: Wire<EncryptionKeyInfo>[] }>('/v1/encryption-keys', {}, asked)).encryptionKeys,
  );
  const [usage, setUsage] = useState<Readonly<Record<string, number>>>();
  const look = async (): Promise<void> =>
    setUsage(await get<Readonly<Record<string, number>>>('/v1/encryption-keys/usage'));
  return (
    <Panel
      title="Key versions"
      aside={<Button onPress={look}>{usage === undefined ? 'Count the records' : 'Count again'}</Button>}
    >
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      {value === undefined && error === undefined && <Loading isSlow={isSlow} what="keys" />}
      {value !== undefined && <Versions keys={value} usage={usage} />}
      <p class="muted small">
        Counting reads the whole store once. A rotation retires key versions that no record needs.
      </p>
      <Command request={{ type: 'keys' }} />
    </Panel>
  );
}

const SLOT_COLUMNS: readonly TableColumn<Wire<SlotInfo>>[] = [
  { title: 'Slot', cell: ({ id }) => <code>{id}</code> },
  { title: 'Kind', cell: ({ method }) => method },
  { title: 'Made', cell: ({ created }) => (created === undefined ? '–' : <Time of={created} />) },
  { title: 'Used by', cell: ({ current }) => (current ? 'this server' : <span class="muted">–</span>) },
];

function SlotsPanel({ onKnown }: { readonly onKnown: (slots: readonly Wire<SlotInfo>[]) => void }): JSX.Element {
  const { value, error, isSlow, reload } = useResource(
    'slots',
    async (asked) => (await get<{ slots: Wire<SlotInfo>[] }>('/v1/slots', {}, asked)).slots,
  );
  useEffect(() => {
    if (value !== undefined) onKnown(value);
  }, [value]);
  return (
    <Panel title="Ways of unlocking">
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      {value === undefined && error === undefined && <Loading isSlow={isSlow} what="slots" />}
      {value !== undefined && (
        <Table
          label="Slots"
          caption="Each slot is one secret that opens the store."
          rows={value}
          keyOf={({ id }) => id}
          columns={SLOT_COLUMNS}
        />
      )}
    </Panel>
  );
}

const DEPTHS: readonly { readonly value: RotationDepth; readonly label: string; readonly hint: string }[] = [
  { value: 'unlock', label: 'The passphrase only', hint: 'The old one stops working. Quick.' },
  {
    value: 'keys',
    label: 'The passphrase and the keys',
    hint: 'New keys for everything. The data itself is not encrypted anew.',
  },
  { value: 'data', label: 'The passphrase, the keys and the data', hint: 'Everything is encrypted anew. Takes long.' },
];

interface Secrets {
  readonly old: HTMLInputElement | null;
  readonly next: HTMLInputElement | null;
  readonly again: HTMLInputElement | null;
}

/** What keeps secrets from being used. */
function problemOf({ old, next, again }: Secrets): string | undefined {
  if (old?.value === '' || next?.value === '') return 'Enter the present passphrase, and a new one.';
  if (next?.value !== again?.value) return 'The two new passphrases differ.';
  return undefined;
}

function RotationPanel(): JSX.Element {
  const [depth, setDepth] = useState<RotationDepth>('keys');
  const [problem, setProblem] = useState<string>();
  const old = useRef<HTMLInputElement>(null);
  const next = useRef<HTMLInputElement>(null);
  const again = useRef<HTMLInputElement>(null);
  const { state, progress, report, error } = rotating.state.value;
  const isBusy = state === 'running' || state === 'stopping';
  const rotate = async (): Promise<void> => {
    const secrets = { old: old.current, next: next.current, again: again.current };
    const found = problemOf(secrets);
    setProblem(found);
    if (found !== undefined || isBusy) return;
    const body = {
      oldUnlockSecret: { passphrase: old.current?.value ?? '' },
      newUnlockSecret: { passphrase: next.current?.value ?? '' },
      depth,
    };
    for (const input of Object.values(secrets)) if (input !== null) input.value = '';
    // What was asked is remembered without the secrets: nobody goes on with it from here.
    await rotating.start('/v1/rotate', undefined, body);
  };
  const done = state === 'done' ? (report as RotationReport | undefined) : undefined;
  const input = (which: typeof old) =>
    function Secret({
      id,
      describedBy,
    }: {
      readonly id: string;
      readonly describedBy: string | undefined;
    }): JSX.Element {
      return (
        <input ref={which} id={id} aria-describedby={describedBy} {...UNKEPT} type="password" maxLength={65_536} />
      );
    };
  return (
    <Panel title="Rotate">
      <p>
        Replaces a passphrase of the store while everything goes on. Whoever starts the server needs the new one from
        then on.
      </p>
      <form
        class="stack"
        autocomplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          void rotate();
        }}
      >
        <Choice legend="What to replace" value={depth} options={DEPTHS} onChange={setDepth} />
        <Field label="Present passphrase">{input(old)}</Field>
        <Field label="New passphrase" hint="Sent to the server over this connection, and kept nowhere in this browser.">
          {input(next)}
        </Field>
        <Field label="New passphrase, again" error={problem}>
          {input(again)}
        </Field>
        <Button kind="danger" type="submit" disabled={isBusy}>
          Rotate
        </Button>
      </form>
      {isBusy && <WorkProgress progress={progress} what="Rotating" />}
      {error !== undefined && <Failure error={error} />}
      {done !== undefined && (
        <Notice tone={done.failed === 0 && done.pending.length === 0 ? 'ok' : 'warn'} title="Rotated">
          {counted(done.rotated, 'record')} brought under the new keys, {counted(done.failed, 'failure')}.{' '}
          {done.pending.length > 0 && `Not reached yet: ${done.pending.join(', ')}.`}
        </Notice>
      )}
      <Command request={{ type: 'rotate', depth }} />
    </Panel>
  );
}

/** Rotating what is no passphrase takes what only the command line has: a file, or another way of unlocking. */
function RotationElsewhere(): JSX.Element {
  return (
    <Panel title="Rotate">
      <p>
        No passphrase opens this store, and this page rotates passphrases alone. Where the secret of the store is, the
        command line rotates any.
      </p>
      <Command request={{ type: 'rotate', depth: 'keys' }} />
    </Panel>
  );
}

export function KeysView(): JSX.Element {
  const [slots, setSlots] = useState<readonly Wire<SlotInfo>[]>();
  const hasPassphrase = slots?.some(({ method }) => method === 'passphrase') ?? true;
  return (
    <Page title="Keys" lead="What seals the store, and what opens it. No key is ever shown.">
      <VersionsPanel />
      {may('slots.view') && <SlotsPanel onKnown={setSlots} />}
      {may('rotate') && (hasPassphrase ? <RotationPanel /> : <RotationElsewhere />)}
    </Page>
  );
}
