import type { Document } from 'mongodb';
import { piecesOf, type Span } from './body.ts';
import { SERVER_TIME } from '../connection/clock.ts';

/** The version of how documents are laid out; kept in the document of {@link LAYOUT_ID}. */
export const LAYOUT = 1;
/** No key: those are strings, and so this document is in no listing. */
export const LAYOUT_ID = 0;
/** Has all that a listing says, so that none of it is read from the documents, which hold the bodies. */
const LISTING_INDEX = { _id: 1, size: 1, modified: 1 } as const;
/** Sorts after every character of a key. */
const AFTER_ALL = '\x7f';
/** No document has this etag. */
const NO_ETAG = '';

const WRITE_CONCERN = { w: 'majority', j: true } as const;
const READ_CONCERN = { level: 'majority' } as const;

/** A write, as its command says it. */
export interface Write {
  readonly key: string;
  readonly body: Uint8Array;
  readonly ifAbsent?: true | undefined;
  readonly ifMatch?: string | undefined;
  /** That of the new body. */
  readonly etag: string;
  /** The least time that it may be dated. */
  readonly floor: number;
}

/** The latest of several times, as a 64-bit number, though a number of a command may be none. */
function latest(...times: (Document | string | number)[]): Document {
  return { $toLong: { $max: times } };
}

/** The commands on one collection. Each concerns one document and so is one step, or only reads. */
export class Commands {
  readonly #collection: string;
  /** Milliseconds after which the server gives up. */
  readonly #timeout: number;

  constructor(collection: string, timeout: number) {
    this.#collection = collection;
    this.#timeout = timeout;
  }

  /**
   * Answers with `value: { modified }`, or with none where the etag is another. A key that must be absent is looked
   * for with an etag that none has, so one that is there is not found, and making it is a violation of uniqueness.
   */
  write({ key, body, ifAbsent, ifMatch, etag, floor }: Write): Document {
    const condition = ifAbsent === true ? { etag: NO_ETAG } : ifMatch === undefined ? {} : { etag: ifMatch };
    const modified = latest(SERVER_TIME, '$modified', floor);
    const pieces = { $literal: piecesOf(body) };
    return this.#changing({
      findAndModify: this.#collection,
      query: { _id: key, ...condition },
      update: [{ $replaceWith: { _id: key, etag, size: body.byteLength, modified, body: pieces } }],
      upsert: ifMatch === undefined,
      new: true,
      fields: { _id: 0, modified: 1 },
    });
  }

  /** Dates what was written with `etag` no earlier than `floor`. */
  raise(key: string, etag: string, floor: number): Document {
    return this.#changing({
      findAndModify: this.#collection,
      query: { _id: key, etag },
      update: [{ $set: { modified: latest('$modified', floor) } }],
      fields: { _id: 1 },
    });
  }

  /** Answers with `n`, the number of documents that are gone. */
  delete(key: string, ifMatch: string | undefined): Document {
    const q = { _id: key, ...(ifMatch === undefined ? {} : { etag: ifMatch }) };
    return this.#changing({ delete: this.#collection, deletes: [{ q, limit: 1 }] });
  }

  deleteMany(keys: readonly string[]): Document {
    return this.#changing({ delete: this.#collection, deletes: [{ q: { _id: { $in: keys } }, limit: 0 }] });
  }

  /** Answers with the document, as far as `span` goes, and `now`. */
  read(key: string, span: Span | undefined): Document {
    const body = span === undefined ? 1 : { $slice: ['$body', span.first, span.count] };
    return this.#reading({
      aggregate: this.#collection,
      pipeline: [
        { $match: { _id: key } },
        { $project: { _id: 0, etag: 1, size: 1, modified: 1, now: SERVER_TIME, body } },
      ],
      cursor: {},
    });
  }

  /** Answers with `_id`, `size` and `modified` of the keys under `prefix`. */
  list(prefix: string, after: string | undefined, limit: number): Document {
    const from = after === undefined || after < prefix ? { $gte: prefix } : { $gt: after };
    return this.#reading({
      find: this.#collection,
      filter: { _id: { ...from, $lt: prefix + AFTER_ALL } },
      projection: LISTING_INDEX,
      sort: { _id: 1 },
      hint: LISTING_INDEX,
      limit,
      batchSize: limit,
      singleBatch: true,
    });
  }

  /**
   * Answers with the first document of the collection, which in a store is that of the layout. A server that can't
   * tell the time as the other commands ask for it refuses this one already.
   */
  first(): Document {
    return this.#reading({
      aggregate: this.#collection,
      pipeline: [{ $sort: { _id: 1 } }, { $limit: 1 }, { $project: { layout: 1, now: SERVER_TIME } }],
      cursor: {},
    });
  }

  /** Answers with what kind of collection there is, if any. */
  describe(): Document {
    return { listCollections: 1, filter: { name: this.#collection }, cursor: {}, maxTimeMS: this.#timeout };
  }

  /** Makes the collection where there is none, and its index where it lacks it. */
  createIndex(): Document {
    const index = { key: LISTING_INDEX, name: 'securestore_listing' };
    return this.#changing({ createIndexes: this.#collection, indexes: [index] });
  }

  /** Writes the layout where there is none yet. */
  markLayout(): Document {
    return this.#changing({
      findAndModify: this.#collection,
      query: { _id: LAYOUT_ID },
      update: { $setOnInsert: { layout: LAYOUT } },
      upsert: true,
      fields: { _id: 1 },
    });
  }

  /** `wtimeout`: servers that don't confirm a write in time are not waited for without end. */
  #changing(command: Document): Document {
    return { ...command, writeConcern: { ...WRITE_CONCERN, wtimeout: this.#timeout }, maxTimeMS: this.#timeout };
  }

  #reading(command: Document): Document {
    return { ...command, readConcern: READ_CONCERN, maxTimeMS: this.#timeout };
  }
}
