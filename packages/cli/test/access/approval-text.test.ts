import type { ApprovalRequest } from 'securestore';
import { expect, it } from 'vitest';
import { stateInWords } from '../../src/access/approval-text.ts';

it('names the ID that a server has sent as one word of a shell', () => {
  const request = { id: 'a; rm -rf ~', action: 'read', state: 'waiting', expires: 0 } as unknown as ApprovalRequest;
  expect(stateInWords(request)).toMatch(/ approves it with securestore approve 'a; rm -rf ~'$/);
});
