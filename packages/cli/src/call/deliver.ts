import type { ByteSource } from '@securestore/migrate';
import type { Call } from './call.ts';
import { refuse } from '../errors/refuse.ts';

/** Control characters but tab and line ends; and the replacement for what is no UTF-8, such as a lone byte 0x9b. */
const STEERING = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffd]/;

/** Data to stdout, as it is. */
export async function deliverBytes({ out }: Call, stream: ByteSource): Promise<void> {
  for await (const chunk of stream) {
    await out.bytes(chunk);
    if (out.closed()) break;
  }
}

/** Data to a terminal, which it must not steer. @param instead what to do with data that would */
export async function deliverToTerminal({ out }: Call, stream: ByteSource, instead: string): Promise<void> {
  let last: number | undefined;
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  for await (const chunk of stream) {
    // Besides the ASCII ones there are those of U+0080 to U+009F, which steer terminals just as well: as text, whose
    // bytes two chunks may share, and as single bytes, which are no UTF-8.
    if (STEERING.test(decoder.decode(chunk, { stream: true }))) {
      refuse('the data has control characters, which could steer the terminal', { text: instead });
    }
    await out.bytes(chunk);
    last = chunk.at(-1) ?? last;
  }
  if (last !== undefined && last !== 0x0a) await out.bytes(Buffer.from('\n'));
}
