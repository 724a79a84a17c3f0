// The work of restores and drills, loaded by the first of them.
export { rememberDrill } from '../trust/failed-checks.ts';
export { lossJudge } from '../snapshot/missing-objects.ts';
export { drillBackup } from './drill.ts';
export { receiptForStore } from './make-receipt.ts';
export { RECEIPT_USE, rememberDrilled, rememberReceipt, signFacts } from './receipts.ts';
export { restoreFrom } from './restore-from.ts';
export { restoreStoreTo } from './restore-store.ts';
