/** What is read of Vitest's JSON report. */
export interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
    }[];
  }[];
}

/** How one test of the suite ended on one backend. */
export interface Outcome {
  /** As the tests call it: with its layers or its server, where there are several. */
  readonly backend: string;
  readonly concern: string;
  readonly test: string;
  readonly status: string;
  /** Why it was left out. */
  readonly reason: string;
}

/** The files that run the suite on a backend. */
const FILE = /\/(?<folder>backend-[a-z0-9]+)\/test\/(?:conformance|ceph)\.test\.ts$/;
/** What `describeBackend` of the testkit calls the whole suite, and a test that it leaves out. */
const SUITE = /^(?<backend>.*): backend contract$/;
const LEFT_OUT = / \(skipped: (?<reason>.*)\)$/;

const suiteFiles = ({ testResults }: Report): Report['testResults'] =>
  testResults.filter(({ name }) => FILE.test(name));

/** Every test of the suite on every backend, as Vitest reports it. */
export function outcomesIn(report: Report): Outcome[] {
  const tests = suiteFiles(report).flatMap(({ assertionResults }) => assertionResults);
  return tests.flatMap(({ ancestorTitles: [suite = '', concern = ''], title, status }) => {
    const backend = SUITE.exec(suite)?.groups?.['backend'];
    const reason = LEFT_OUT.exec(title)?.groups?.['reason'] ?? '';
    return backend === undefined ? [] : [{ backend, concern, test: title.replace(LEFT_OUT, ''), status, reason }];
  });
}

/** The files that run the suite and did not: those of backends whose server could not be had. */
export function filesWithoutRun({ testResults }: Report): string[] {
  return suiteFiles({ testResults })
    .filter((file) => outcomesIn({ testResults: [file] }).length === 0)
    .map(({ name }) => name.replace(/^.*\/packages\//, 'packages/'));
}

/** A document that says how the suite ended on each backend: the same for the same outcomes, in whatever order. */
export function documentOf(outcomes: readonly Outcome[]): string {
  const byBackend = [...Map.groupBy(outcomes, ({ backend }) => backend)].toSorted(([one], [other]) =>
    byText(one, other),
  );
  const rows = byBackend.map(([backend, own]) => {
    const passed = own.filter(({ status }) => status === 'passed').length;
    return `| ${backend} | ${passed} | ${own.filter(({ reason }) => reason !== '').length} |`;
  });
  const reasons = byBackend.flatMap(([backend, own]) => {
    const byReason = Map.groupBy(
      own.filter(({ reason }) => reason !== ''),
      ({ reason }) => reason,
    );
    const leftOut = [...byReason].map(([reason, tests]) => `${reason} (${tests.length})`).toSorted(byText);
    return leftOut.length === 0 ? [] : [`- ${backend}: ${leftOut.join('; ')}`];
  });
  const tests = [...Map.groupBy(outcomes, ({ concern }) => concern)].toSorted(([one], [other]) => byText(one, other));
  const asked = tests.map(([concern, own]) => {
    const names = [...new Set(own.map(({ test }) => test))].toSorted(byText);
    return `### ${concern}\n\n${names.map((name) => `- ${name}`).join('\n')}\n`;
  });
  return `# Conformance

The results of the suite of [@securestore/backend-testkit](../packages/backend-testkit/README.md) on each backend of this repository.
\`npm run conformance -- --write\` runs the suite and writes this page, unless a test fails. \`npm test\` compares the page with its own run.

"With the layers of a store" means that the suite runs on the backend with the timeouts, limits and retries that \`openStore\` adds.

| backend | passed | left out |
| --- | --- | --- |
${rows.join('\n')}

## Tests left out

A test is left out for one of two reasons:

- The backend declares the capability absent. Another test then shows that the capability is absent.
- The machine that runs the tests cannot do it, for example set the clock of a server.

The reasons, with the number of tests:

${reasons.join('\n')}

## Tests

${asked.join('\n')}`;
}

const byText = (one: string, other: string): number => (one < other ? -1 : 1);
