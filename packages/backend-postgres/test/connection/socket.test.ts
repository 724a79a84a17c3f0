import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { GuardedSocket } from '../../src/connection/socket.ts';

test('what a listener throws over what came breaks the connection, and does not end the process', async () => {
  const server = createServer((socket) => socket.on('error', () => undefined).write('no protocol')).listen(
    0,
    '127.0.0.1',
  );
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const socket = new GuardedSocket();
  socket.on('data', () => {
    throw new RangeError('what is that?');
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const failed = once(socket, 'error');
  socket.connect((server.address() as AddressInfo).port, '127.0.0.1');
  expect((await failed)[0]).toMatchObject({ name: 'RangeError', message: 'what is that?' });
  await closed;
});

test('what other listeners throw is theirs', () => {
  const socket = new GuardedSocket().on('ready', () => {
    throw new TypeError('not mine');
  });
  expect(() => socket.emit('ready')).toThrow('not mine');
});
