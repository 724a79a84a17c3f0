import { access } from './areas/access.ts';
import { audit } from './areas/audit.ts';
import { backup } from './areas/backup.ts';
import { cores } from './areas/cores.ts';
import { growth } from './areas/growth.ts';
import { files } from './areas/files.ts';
import { health } from './areas/health.ts';
import { lag } from './areas/lag.ts';
import { listing } from './areas/listing.ts';
import { memory } from './areas/memory.ts';
import { objects } from './areas/objects.ts';
import { opening } from './areas/opening.ts';
import { points } from './areas/points.ts';
import { providers } from './areas/providers.ts';
import { range } from './areas/range.ts';
import { rekeying } from './areas/rekeying.ts';
import { server } from './areas/server.ts';
import { sqlite } from './areas/sqlite.ts';
import { suites } from './areas/suites.ts';
import { stream } from './areas/stream.ts';
import type { Area } from './measure/model.ts';

/** What `npm run bench -- NAME…` knows, in the order in which it runs. */
export const AREAS: Readonly<Record<string, Area>> = {
  objects,
  suites,
  stream,
  memory,
  sqlite,
  files,
  range,
  listing,
  growth,
  rekeying,
  providers,
  access,
  audit,
  backup,
  lag,
  points,
  health,
  server,
  cores,
  opening,
};
