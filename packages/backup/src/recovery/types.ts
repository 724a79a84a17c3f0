import type { CallOptions, RangeOptions } from '@securestore/objects';
import type { RecoveryPointChoice, SnapshotInfo } from '../repository/snapshot-info.ts';
import type { RecoveryGap } from '../trust/moment.ts';
import type { RecoveryWindow } from '../trust/recovery-windows.ts';
import type { CurrentReplicationStatus } from '../trust/replication-status.ts';

/** The most that one page holds, and how many there are without a limit. */
export const MAX_PAGE = 500;
export const DEFAULT_PAGE = 100;

/** What part of a listing is asked for. */
export interface PageOptions extends CallOptions {
  /** What a page before said under this name; another listing, and another moment, take none of it. */
  readonly after?: string | undefined;
  /** How many at most: 1 to 500. Default 100. */
  readonly limit?: number | undefined;
}

/** A page. It may hold less than the limit, and nothing at all, and not be the last one: looking ends after a bounded amount of work. */
export interface Page {
  /** Gives the next page; absent on the last one. */
  readonly after?: string;
  /** How much has been looked through so far, from 0 to 1: 1 once that is all of it, and not before. */
  readonly progress: number;
}

/** A point of a backup, or without `destination` the store as it is now. */
export interface RecoveryPointLocator extends RecoveryPointChoice {
  readonly destination?: string | undefined;
}

/** The moment that an answer is about. */
export interface RecoveryPointInfo {
  /** Absent if it is now. */
  readonly snapshot?: number;
  readonly time: Date;
  /** The gap that `at` is in: what was stored in it before `at` is missing. */
  readonly gap?: RecoveryGap;
}

export interface TimelineOptions extends CallOptions {
  /** Snapshots before this one. */
  readonly before?: number | undefined;
  /** How many snapshots: 1 to 1,000, by default 100. */
  readonly limit?: number | undefined;
  /** Points of a continuous backup as well; by default snapshots alone. */
  readonly changes?: boolean | undefined;
}

/** What can be restored from a destination. */
export interface Timeline {
  readonly destination: string;
  /** By the clock of the store. */
  readonly now: Date;
  /** Up to when the store can be restored; absent if there is no snapshot. */
  readonly recoverableTo?: Date;
  /**
   * What is meant if no point is chosen: the newest that was not made before a restore, of what that replaced. Absent if there is none.
   */
  readonly newest?: RecoveryPointInfo;
  /** How far that is behind `now`, in milliseconds. */
  readonly lag?: number;
  /** Whether some process follows the store, so that `recoverableTo` goes on. */
  readonly isContinuous: boolean;
  /** Why whoever follows the store can't go on now, or has ended. */
  readonly error?: { readonly code: string; readonly message: string };
  /** The spans of which every moment can be restored, the newest first. Between two of them is a gap. */
  readonly windows: readonly RecoveryWindow[];
  /** The newest first. */
  readonly snapshots: readonly SnapshotInfo[];
  /** The numbers of snapshots that are damaged, of which nothing else is known. */
  readonly damaged: readonly number[];
  /** Give as `before` for older ones; absent if there are none. */
  readonly before?: number;
}

export interface BrowseOptions extends RecoveryPointLocator, PageOptions {
  /** The folder, such as `db/prod/`; with more after the last `/` what begins like that in it. Default: the root. */
  readonly prefix?: string | undefined;
}

/** What is known of an object at a moment. */
export interface ObjectThen {
  readonly type: 'object';
  readonly key: string;
  readonly version: string;
  /** Of the data, in bytes; absent in a folder of more than 5,000, of which objects are not read. */
  readonly size?: number;
  readonly modified: Date;
}

/** A folder in which there is something that may be seen. */
export interface FolderThen {
  readonly type: 'folder';
  /** The whole name, with `/` at its end. */
  readonly key: string;
}

/** Something whose record can't be read. */
export interface DamagedThen {
  readonly type: 'damaged';
  readonly key: string;
  readonly code: string;
}

export interface BrowsePage extends Page, RecoveryPointInfo {
  /**
   * Folders and objects together. Where `isSorted`, by UTF-8 bytes. More than 5,000 of the store as it is now, and a folder of a point with
   * more than 200,000 names in it and in the folders in it, come in an order of their own.
   */
  readonly entries: readonly (ObjectThen | FolderThen | DamagedThen)[];
  readonly isSorted: boolean;
  /** With the first page of a folder whose names are still being read, and which has no entries yet: up to 100 that are there anyhow, to be shown meanwhile. */
  readonly preview?: readonly (ObjectThen | FolderThen | DamagedThen)[];
}

export interface FindOptions extends RecoveryPointLocator, PageOptions {
  /** A part of the name, in large or small letters; '' for all names. At most 1,024 characters. */
  readonly contains: string;
  /** Only below this: what names begin with. */
  readonly prefix?: string | undefined;
}

/** A name that was found. */
export interface FoundKey {
  readonly key: string;
  /** What stands for it at that moment. A deleted object is known as long as its history is kept. */
  readonly state: 'there' | 'deleted' | 'purged';
  readonly version: string;
  /** When that was stored, or deleted. */
  readonly modified: Date;
}

export interface FindPage extends Page, RecoveryPointInfo {
  /** By UTF-8 bytes within a page; pages come in an order of their own. */
  readonly keys: readonly FoundKey[];
}

/** One version of an object, and how long it was the current one. */
export interface VersionThen {
  readonly version: string;
  /** Whether it says that there was nothing from then on. */
  readonly state: 'there' | 'deleted' | 'purged';
  readonly from: Date;
  /** When another one took its place; absent for the newest. */
  readonly to?: Date;
  /** Of the data, in bytes. */
  readonly size?: number;
  /** A point of the backup which has it; absent if only the store does. */
  readonly snapshot?: number;
  /** Whether the store itself has it still. */
  readonly inStore: boolean;
}

/** A key across time. */
export interface KeyTimeline {
  readonly key: string;
  /** The newest first. What neither the store nor the backup keeps is missing. */
  readonly versions: readonly VersionThen[];
  /** Since when it is known what the key was. */
  readonly since?: Date;
  /** Whether there is more from before, which was not looked for: points are looked through from the newest back, thirty at most. */
  readonly hasMore: boolean;
}

export interface CompareOptions extends PageOptions {
  readonly destination: string;
  readonly from: RecoveryPointChoice;
  /** Default: the store as it is now. */
  readonly to?: RecoveryPointChoice | undefined;
  /** Only names that begin with this. */
  readonly prefix?: string | undefined;
}

/** What is known of a version. */
export interface VersionInfo {
  readonly version: string;
  readonly modified: Date;
  /** Of the data, in bytes; absent if it can't be read. */
  readonly size?: number;
}

/** A difference between two moments. */
export interface Difference {
  readonly key: string;
  readonly type: 'added' | 'removed' | 'changed';
  readonly before?: VersionInfo;
  readonly after?: VersionInfo;
}

export interface ComparePage extends Page {
  readonly from: RecoveryPointInfo;
  readonly to: RecoveryPointInfo;
  /** By UTF-8 bytes of their keys within a page; pages come in an order of their own. */
  readonly differences: readonly Difference[];
}

/** Whether a caller may know of a name. */
export type Sees = (key: string) => boolean;

/** Which object of which moment is to be read. */
export interface RecoveryPointRetrieveOptions
  extends Pick<RangeOptions, 'start' | 'end' | 'signal' | 'timeout' | 'version'>, RecoveryPointChoice {
  readonly destination: string;
}

/** Knows the continuous backups of all processes. */
export interface ReplicationStatusSource {
  /** `undefined` if there was none to a destination within the last seven days. */
  continuousStatus(destination: string, options?: CallOptions): Promise<CurrentReplicationStatus | undefined>;
}
