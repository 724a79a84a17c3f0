import { Socket } from 'node:net';

/**
 * A connection that breaks over bytes that are none of the protocol. `pg` reads them in a listener, where what it throws
 * would end the process.
 */
export class GuardedSocket extends Socket {
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    try {
      // The events of a socket have types of their own; what they are is nothing to this.
      return super.emit(event as 'data', ...(args as [Buffer]));
    } catch (error) {
      if (event !== 'data') throw error;
      this.destroy(error instanceof Error ? error : new Error(String(error)));
      return true;
    }
  }
}
