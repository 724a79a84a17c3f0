import { expect, test } from 'vitest';
import { callsOf } from '../src/trace/tracer.ts';

test('calls that others interrupt in the trace are put together again, in the order in which they took effect', () => {
  const log = [
    '7 12.5 pwrite64(3, "\\x61\\x62", 2, 40 <unfinished ...>',
    '8 12.6 fsync(4</a/file>) = 0',
    '8 12.7 unlink("/a/none") = -1 ENOENT (No such file or directory)',
    '7 12.8 <... pwrite64 resumed>) = 2',
    '7 12.9 close(3 <unfinished ...>',
    '8 13.0 openat(AT_FDCWD, "/a/b", O_RDONLY) = 3</a/b>',
    '7 13.1 <... close resumed>) = 0',
    '8 13.2 exit_group(0) = ?',
    '',
  ];
  expect(
    callsOf(log.join('\n')).map(({ name, args, result, begun, ended }) => [name, args, result, begun, ended]),
  ).toEqual([
    ['fsync', '4</a/file>', '0', 1, 1],
    ['pwrite64', '3, "\\x61\\x62", 2, 40', '2', 0, 3],
    ['close', '3', '0', 4, 6],
    ['openat', 'AT_FDCWD, "/a/b", O_RDONLY', '3</a/b>', 5, 5],
  ]);
});
