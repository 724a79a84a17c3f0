/** 100 roles of five rules each, and 1,000 principals with three roles each. */
export interface BenchPolicy {
  readonly rules: readonly { role: string; pattern: string; action: 'read' | 'write'; effect: 'allow' | 'deny' }[];
  readonly grants: readonly { principal: string; role: string }[];
}

const ROLES = 100;
const PRINCIPALS = 1000;

export function benchPolicy(): BenchPolicy {
  const rules = Array.from({ length: ROLES }, (_, index) => `role-${index}`).flatMap((role, index) => {
    const team = `team-${index}`;
    return [
      { role, pattern: `${team}/**`, action: 'read', effect: 'allow' } as const,
      { role, pattern: `${team}/*/config`, action: 'write', effect: 'allow' } as const,
      { role, pattern: `${team}/data/**`, action: 'write', effect: 'allow' } as const,
      { role, pattern: `${team}/*/password`, action: 'read', effect: 'deny' } as const,
      { role, pattern: `shared/*/${team}`, action: 'read', effect: 'allow' } as const,
    ];
  });
  const grants = Array.from({ length: PRINCIPALS }, (_, index) => index).flatMap((index) =>
    [0, 1, 2].map((step) => ({ principal: `user-${index}`, role: `role-${(index + step * 7) % ROLES}` })),
  );
  return { rules, grants };
}

/** Who asks for what in turn `index`: half of it is allowed. */
export function question(index: number): { principal: string; action: 'read' | 'write'; key: string } {
  const user = (index * 31) % PRINCIPALS;
  const team = (user + (index % 2 === 0 ? 7 : 8)) % ROLES;
  const last = ['config', 'password', 'x/y/z', 'list'][index % 4] ?? '';
  return {
    principal: `user-${user}`,
    action: index % 3 === 0 ? 'write' : 'read',
    key: `team-${team}/a${index}/${last}`,
  };
}
