import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '@securestore/jobs';

/** How often it is looked at how fast bodies come and go, in milliseconds. */
const LOOK_EVERY = 5000;

interface Watched {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  read: number;
  sent: number;
  /** Whether it was waited for at the last look: nobody is slow who has had less than the time between two. */
  coming: boolean;
  going: boolean;
}

/** What of an answer has left this process. */
function sentBy({ socket }: ServerResponse): number {
  return socket === null ? 0 : socket.bytesWritten - socket.writableLength;
}

/**
 * Ends connections on which a body comes, or is taken, slower than it may: each holds a request, and many of them all that there are. Where it is
 * the server that others wait for, nobody is slow.
 */
export class SlowPeers {
  readonly #least: number;
  readonly #clock: Clock;
  readonly #watched = new Set<Watched>();
  readonly #ended = new AbortController();

  /** @param least bytes a second */
  constructor(least: number, clock: Clock) {
    this.#least = least;
    this.#clock = clock;
    if (least > 0) void this.#run();
  }

  watch(request: IncomingMessage, response: ServerResponse): void {
    const watched = {
      request,
      response,
      read: request.socket.bytesRead,
      sent: sentBy(response),
      coming: false,
      going: false,
    };
    this.#watched.add(watched);
    response.once('close', () => this.#watched.delete(watched));
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        await this.#clock.sleep(LOOK_EVERY, this.#ended.signal, { ref: false });
        for (const watched of this.#watched) this.#look(watched);
      }
    } catch {
      // It was ended.
    }
  }

  #look(watched: Watched): void {
    const { request, response } = watched;
    const { socket } = request;
    const enough = (this.#least * LOOK_EVERY) / 1000;
    const read = socket.bytesRead - watched.read;
    const sent = sentBy(response) - watched.sent;
    watched.read = socket.bytesRead;
    watched.sent = sentBy(response);
    // What has come and was not taken yet waits for the server.
    const coming = !request.complete && request.readableLength === 0;
    const going = socket.writableLength > 0;
    const isSlow = (watched.coming && coming && read < enough) || (watched.going && going && sent < enough);
    watched.coming = coming;
    watched.going = going;
    if (isSlow) socket.destroy();
  }

  end(): void {
    this.#ended.abort();
  }
}
