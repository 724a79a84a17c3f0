import { describeTampering } from '../../backend-fs/test/support/system-calls.ts';

describeTampering('@securestore/backend-sqlite', 'sqlite', 40, [
  ['fsync,fdatasync', 'kill', 9],
  ['pwrite64', 'kill', 100],
  ['fsync,fdatasync', 'EIO', 9],
  ['pwrite64', 'ENOSPC', 100],
  ['ftruncate', 'EIO', 2],
]);
