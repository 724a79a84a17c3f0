import type { ActionPattern } from './actions.ts';
import type { PrincipalName } from './identity.ts';

/** Allows or denies actions, on all keys or on some. */
export interface Rule {
  readonly effect: 'allow' | 'deny';
  readonly actions: readonly ActionPattern[];
  /**
   * Patterns of keys: `*` is any text within a segment, `**` as a whole segment any number of segments. Without them the
   * rule is about every key, and about what concerns the whole store.
   */
  readonly keys?: readonly string[];
  /** Categories of objects; without them every category. */
  readonly categories?: readonly string[];
  /** Until when the rule holds, in milliseconds since 1970; without it for ever. */
  readonly expires?: number;
}

/** Rules under a name. */
export interface Role {
  readonly name: PrincipalName;
  readonly rules: readonly Rule[];
}

/** A role that a principal holds. */
export interface Grant {
  readonly role: PrincipalName;
  /** Until when, in milliseconds since 1970; without it until it is revoked. */
  readonly expires?: number;
}

/** A person or a service. */
export interface Principal {
  readonly name: PrincipalName;
  readonly kind: 'user' | 'service';
  /** Whoever is disabled may do nothing, whatever the grants say. */
  readonly disabled: boolean;
  readonly grants: readonly Grant[];
}

/** What takes a second person, who approves each attempt that the rules allow to somebody else. */
export interface ApprovalRule {
  /** Approving itself takes none: `*` means everything else. */
  readonly actions: readonly ActionPattern[];
  /** As those of a {@link Rule}: without them every key, and what concerns the whole store. */
  readonly keys?: readonly string[];
  /** Categories of objects; without them every category. */
  readonly categories?: readonly string[];
}

/** Who may do what: plain data, without functions. */
export interface Policy {
  readonly roles: readonly Role[];
  readonly principals: readonly Principal[];
  /** Without it nothing takes a second person. */
  readonly approvals?: readonly ApprovalRule[];
}
