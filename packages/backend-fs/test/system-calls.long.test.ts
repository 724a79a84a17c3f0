import { describeTampering } from './support/system-calls.ts';

describeTampering('@securestore/backend-fs', 'file', 5, [
  ['fsync', 'kill', 7],
  ['rename', 'kill', 3],
  ['mkdir', 'kill', 5],
  ['utimensat', 'kill', 4],
  ['unlink', 'kill', 1],
  ['rmdir', 'kill', 2],
  ['fsync', 'EIO', 7],
  ['rename', 'ENOSPC', 3],
  ['mkdir', 'ENOSPC', 5],
  ['unlink', 'EIO', 1],
]);
