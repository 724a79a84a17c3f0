import { open } from 'node:fs/promises';
import { refuse } from '../errors/refuse.ts';

/** How each invitation begins, whatever its version. */
const TITLE = Buffer.from('securestore invitation');

/** Whether a file begins as an invitation does. Why it cannot be read is reported when it is read as what it was given for. */
async function isInvitation(path: string): Promise<boolean> {
  const start = Buffer.alloc(TITLE.length);
  try {
    await using file = await open(path);
    if (!(await file.stat()).isFile()) return false;
    await file.read(start, 0, start.length, 0);
    return start.equals(TITLE);
  } catch {
    return false;
  } finally {
    // Of an identity, it may hold the beginning.
    start.fill(0);
  }
}

/** @throws `INVALID_ARGUMENT` if an invitation was given as the identity that it invites */
export async function refuseInvitation(path: string): Promise<void> {
  if (!(await isInvitation(path))) return;
  refuse(`--identity-file must name your identity, and "${path}" is an invitation`, {
    text: 'give the invitation by --invitation-file, and the identity that you made by --identity-file',
  });
}
