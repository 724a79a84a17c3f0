/** The type of an answer in events, as `EventSource` reads them. */
export const EVENTS_TYPE = 'text/event-stream';

/** What happens while a long call is under way. */
export interface ServerEvent {
  /** `job` says its id, `progress` how far it is, `report` what came of it, `error` why nothing did. */
  readonly type: 'job' | 'progress' | 'report' | 'error';
  readonly data: unknown;
}

export function encodeEvent({ type, data }: ServerEvent): string {
  return `event: ${type}\ndata: ${JSON.stringify(data) ?? 'null'}\n\n`;
}

/** Keeps a connection from being taken for a dead one. */
export const KEEP_ALIVE = ': \n\n';

/** The longest event that is read, in characters. */
const MAX_EVENT = 64 * 1024 * 1024;

const TYPES: ReadonlySet<string> = new Set(['job', 'progress', 'report', 'error'] satisfies ServerEvent['type'][]);

function eventIn(block: string): ServerEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const at = line.indexOf(':');
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 1).trimStart());
  }
  const type = fields.get('event');
  const data = fields.get('data');
  if (type === undefined || data === undefined || !TYPES.has(type)) return undefined;
  return { type: type as ServerEvent['type'], data: JSON.parse(data) as unknown };
}

/**
 * The events in what comes; others than ours, and what keeps the connection alive, are passed over.
 *
 * @throws SyntaxError for what is no JSON, RangeError for what has no end
 */
export async function* readEvents(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  // What of an event has come, in pieces: a long one is put together once, and not with each piece.
  let pieces: string[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    const piece = decoder.decode(chunk, { stream: true });
    const isEnd = piece.includes('\n\n') || (piece.startsWith('\n') && pieces.at(-1)?.endsWith('\n') === true);
    if (piece !== '') pieces.push(piece);
    length += piece.length;
    if (isEnd) {
      const blocks = pieces.join('').split('\n\n');
      const rest = blocks.pop() ?? '';
      pieces = rest === '' ? [] : [rest];
      length = rest.length;
      for (const block of blocks) {
        const event = eventIn(block);
        if (event !== undefined) yield event;
      }
    }
    if (length > MAX_EVENT) throw new RangeError('an event has no end');
  }
}
