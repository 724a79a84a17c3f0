/** The time that a version carries: when it was stored by the clock of whoever did, in milliseconds since 1970. */
export function timeOfVersion(version: number): number {
  return Math.floor(version / 1000);
}
