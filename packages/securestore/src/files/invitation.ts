import { SecureStoreError } from '@securestore/core-format';
import type { TextKind } from './labelled-text.ts';
import { fingerprintIn, labelledLine, readLabelled, textIn } from './labelled-text.ts';

/**
 * What a person needs to open a store by their identity. Nothing of it is secret. But an attacker who changes it on its way can lead
 * them to another store: it must come from a person, and by a way, that they trust.
 */
export interface Invitation {
  /** The store that is meant, and no other. */
  readonly fingerprint: string;
  /** Its URL, as seen by the person who invites. */
  readonly storeUrl?: string | undefined;
  /** Whose identity it is for. */
  readonly recipient?: string | undefined;
  /** The slot that was made for it. */
  readonly slot?: string | undefined;
}

const KIND: TextKind = {
  title: 'securestore invitation 1',
  what: 'the invitation',
  names: ['fingerprint', 'store', 'recipient', 'slot'],
};

const ABOUT = `# It is not secret. But get it by a way that you trust: by the fingerprint you know that the store is the one you were
# invited to. To open it:
#   securestore ls --invitation-file THIS-FILE --identity-file YOUR-IDENTITY
# Add --store LOCATION if the store is with a provider: your credentials go only to a store that you name yourself.
`;

/** An invitation as text, for a file or a message. @throws SecureStoreError `INVALID_ARGUMENT` */
export function formatInvitation(invitation: Invitation): string {
  if (typeof invitation !== 'object' || invitation === null) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'an invitation must be an object with a fingerprint');
  }
  const { fingerprint, storeUrl, recipient, slot } = invitation;
  const values = { fingerprint, store: storeUrl, recipient, slot };
  const lines = Object.entries(values).map(([name, value]) => (value === undefined ? '' : labelledLine(name, value)));
  const text = `${KIND.title}\n${ABOUT}${lines.join('')}`;
  parseInvitation(text);
  return text;
}

/**
 * Reads what {@link formatInvitation} made.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`; `UNSUPPORTED` for one of a later release
 */
export function parseInvitation(text: string | Uint8Array): Invitation {
  const isText = typeof text === 'string' || text instanceof Uint8Array;
  if (!isText) throw new SecureStoreError('INVALID_ARGUMENT', 'an invitation must be a string or a Uint8Array');
  const values = readLabelled(typeof text === 'string' ? Buffer.from(text, 'utf8') : Buffer.from(text), KIND);
  const [storeUrl, recipient, slot] = ['store', 'recipient', 'slot'].map((name) => textIn(values, name, KIND));
  return {
    fingerprint: fingerprintIn(values, KIND),
    ...(storeUrl === undefined ? {} : { storeUrl }),
    ...(recipient === undefined ? {} : { recipient }),
    ...(slot === undefined ? {} : { slot }),
  };
}
