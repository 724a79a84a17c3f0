/** Something about this machine or checkout that its user can mend; the message is one line that says how. */
export class SetupError extends Error {}
