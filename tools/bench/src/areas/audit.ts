import { join } from 'node:path';
import type { SecureStore } from 'securestore';
import { bodies } from '../measure/bodies.ts';
import { inFlight, rate } from '../measure/measure.ts';
import type { Area, Comparison } from '../measure/model.ts';
import { createOurs, loadOurs } from '../measure/ours.ts';

const body: () => Uint8Array = bodies();
const GROUP = 64;
const nameOf = (index: number): string => `app/secrets/${index}`;

/** A name that was never used before: stores are measured on new objects. */
let serial = 0;
const newName = (): string => `app/new/${serial++}`;

/** The same store with an audit log, in the mode `batched`, and without one. */
export const audit: Area = {
  title: 'The cost of an audit log, objects of 1 KiB, sqlite:',
  async *comparisons({ scratch, scale }) {
    const { generateIdentity, recipientOf } = await loadOurs();
    const auditor = await recipientOf(generateIdentity());
    const count = Math.max(GROUP, Math.ceil(20_000 * scale));
    const plain = await createOurs(`sqlite:${join(scratch, 'plain.db')}`);
    const audited = await createOurs(`sqlite:${join(scratch, 'audited.db')}`);
    await audited.audit.enable({ auditor });
    for (const store of [plain, audited]) {
      await inFlight(count, GROUP, (index) => store.store(nameOf(index), body()));
    }
    const storing = (store: SecureStore): Promise<number> =>
      rate(count, () => inFlight(count, GROUP, () => store.store(newName(), body())));
    const retrieving = (store: SecureStore): Promise<number> =>
      rate(count, () => inFlight(count, GROUP, (index) => store.retrieve(nameOf(index))));
    yield compared(`durable stores, ${GROUP} in flight`, count, storing, { plain, audited });
    yield compared(`retrieves, ${GROUP} in flight`, count, retrieving, { plain, audited });
    await plain.close();
    await audited.close();
  },
};

function compared(
  work: string,
  count: number,
  sample: (store: SecureStore) => Promise<number>,
  { plain, audited }: { readonly plain: SecureStore; readonly audited: SecureStore },
): Comparison {
  return {
    work,
    unit: 'per second',
    count,
    contenders: [
      { name: 'securestore, audited', role: 'ours', sample: () => sample(audited) },
      { name: 'securestore, not audited', role: 'raw', sample: () => sample(plain) },
    ],
    targets: [{ bound: 'at least', factor: 0.95, of: 'the raw limit' }],
  };
}
