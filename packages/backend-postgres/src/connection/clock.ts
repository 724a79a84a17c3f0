/**
 * How far the kept time may lag behind the last one given, in milliseconds. Keeping it exactly would make every write
 * wait for the one before it to reach the disk.
 */
export const FLOOR_LAG_MS = 50;

/** SQL: milliseconds since 1970 by the clock of the server, and never less than the kept time `s.floor`. */
export const NOW = 'greatest(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint, s.floor)';
