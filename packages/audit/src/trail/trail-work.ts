// Reads a log: loaded by the first call that does.
export { examineTrail } from '../store/examine.ts';
export { KnownSegments } from '../store/known-segments.ts';
export { linesAt, sameLinesAt } from '../store/store-lines.ts';
export { verifyLog } from '../verify/verify.ts';
export { tailOf } from './store-tail.ts';
