/**
 * How old, in milliseconds, a page or root that no head names must be before it is removed: longer than anybody takes
 * from writing it to the commit of the head that names it.
 */
export const GRACE_PERIOD: number = 24 * 60 * 60 * 1000;
