/** Reasons for which nothing is published, one line each, with what to do about each. */
export class Refusal extends Error {
  readonly findings: readonly string[];

  constructor(findings: readonly string[], options?: ErrorOptions) {
    super(findings.join('\n'), options);
    this.findings = findings;
  }
}

export function refuseFor(findings: readonly string[]): void {
  if (findings.length > 0) throw new Refusal(findings);
}
