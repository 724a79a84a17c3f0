// Reads the points of a destination, loaded when a write first waits for one.
export { requireDestination } from '../repository/destination.ts';
export { Points } from '../repository/snapshots.ts';
