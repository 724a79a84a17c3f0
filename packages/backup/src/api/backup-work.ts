// The work of `Backups`, loaded by its first call.
export { follow, replicationStatusFrom } from '../continuous/start-continuous.ts';
export { registerDestination, setRetention, unregisterDestination } from '../prune/destination-admin.ts';
export { checkRetention, forgetAt, retainDestination } from '../prune/retain.ts';
export { lossJudge, lostAmong } from '../snapshot/missing-objects.ts';
export { DestinationKeeper } from '../trust/destination-keeper.ts';
export { verifyDestination } from '../verify/verify-destination.ts';
