import type { HistorySettings, Naming } from '@securestore/core-format';
import type { CallOptions } from './types.ts';

/** What is kept in a store of how it was made, and was changed since. */
export interface Settings {
  /** Another one after every change that {@link SettingsAdministration.change} makes, for its `ifVersion`. */
  readonly version: string;
  /** Path patterns by the name of a category: the first that matches decides. A category that was removed keeps its keys, and has none. */
  readonly categories: Readonly<Record<string, readonly string[]>>;
  readonly history: HistorySettings;
  /** 0 days stand for never. */
  readonly rotation: { readonly days: number };
  readonly names: Naming;
  readonly suite: number;
  /** Whether mutations are announced in the journal: from the start, or since something reads it. */
  readonly journal: boolean;
}

/** The settings to be changed; what is left out stays. */
export interface SettingsChange {
  /**
   * All categories from now on, as when a store is made. A category that is left out gets no more objects and keeps its keys. No object may
   * come into another category: each is sealed with the keys of the one that it was stored in.
   */
  readonly categories?: Readonly<Record<string, readonly string[]>>;
  /** Of `versions` and `days`, what is left out stays. */
  readonly history?: { readonly versions?: number; readonly days?: number };
  readonly rotation?: { readonly days?: number };
}

export interface ChangeSettingsOptions extends CallOptions {
  /** Fail with `CONFLICT` unless this is the version of the settings. */
  readonly ifVersion?: string;
}

/** The settings of a store. */
export interface SettingsAdministration {
  /** The settings by the newest head. */
  get(options?: CallOptions): Promise<Settings>;
  /**
   * Changes settings: in this process at once, in others within five seconds. Other categories take some seconds in which nothing else is
   * answered: the store is closed for its names to be looked through.
   *
   * @returns the settings as they are then
   * @throws `CONFLICT` if `ifVersion` does not hold (with `currentVersion`), if an object would come into another category, or if others
   *   opened the store again meanwhile; `LOCKED` for categories while the store is rotated, restored or moved; `INVALID_ARGUMENT`
   */
  change(changes: SettingsChange, options?: ChangeSettingsOptions): Promise<Settings>;
}
