import type { JSX } from 'preact';
import type { WireRestoreReport } from '@securestore/protocol';
import { bytes, count, counted } from '../lib/format.ts';
import { Name, Notice } from './basics.tsx';

/** The most names that are shown of a list; all of them are in the report that can be saved. */
const MOST = 50;

interface Row {
  readonly title: string;
  readonly value: number;
  readonly means: string;
}

function rowsOf(report: WireRestoreReport): Row[] {
  const { created, replaced, renamed, skipped, unchanged, deleted, dryRun } = report;
  const there = dryRun ? 'there now' : 'were there';
  return [
    { title: 'Created', value: created, means: dryRun ? 'missing now' : 'were missing' },
    { title: 'Replaced', value: replaced, means: `${there} as another version, which stays in the history` },
    { title: 'Renamed', value: renamed, means: `${there} as another version; the old one is put beside it` },
    { title: 'Deleted', value: deleted, means: `${there}, and not at that moment` },
    { title: 'Skipped', value: skipped, means: `${there} as another version, which stays` },
    { title: 'Unchanged', value: unchanged, means: dryRun ? 'already as at that moment' : 'were as at that moment' },
  ];
}

/** What a restore would do, or has done, in counts and bytes. */
export function Counts({
  report,
  caption,
}: {
  readonly report: WireRestoreReport;
  readonly caption: string;
}): JSX.Element {
  return (
    <>
      <table class="counts">
        <caption>{caption}</caption>
        <thead class="hidden">
          <tr>
            <th scope="col">What</th>
            <th scope="col">Objects</th>
            <th scope="col">Meaning</th>
          </tr>
        </thead>
        <tbody>
          {rowsOf(report).map(({ title, value, means }) => (
            <tr key={title} class={value === 0 ? 'none' : undefined}>
              <th scope="row">{title}</th>
              <td class="number">{count(value)}</td>
              <td class="muted">{means}</td>
            </tr>
          ))}
          <tr class={report.bytes === 0 ? 'none' : undefined}>
            <th scope="row">Data</th>
            <td class="number">{bytes(report.bytes)}</td>
            <td class="muted">{report.dryRun ? 'to be written' : 'written'}</td>
          </tr>
        </tbody>
      </table>
      <Names
        title={`${counted(report.conflicts.length, 'key')} with another version ${report.dryRun ? 'now' : 'before'}`}
        names={report.conflicts}
      />
      <Failed failed={report.failed} />
      {report.findings.map((warning) => (
        <Notice key={warning} tone="warn">
          {warning}
        </Notice>
      ))}
    </>
  );
}

function Names({ title, names }: { readonly title: string; readonly names: readonly string[] }): JSX.Element | null {
  if (names.length === 0) return null;
  return (
    <details>
      <summary>{title}</summary>
      <ul class="names">
        {names.slice(0, MOST).map((name) => (
          <li key={name}>
            <Name of={name} />
          </li>
        ))}
        {names.length > MOST && <li class="muted">and {count(names.length - MOST)} more</li>}
      </ul>
    </details>
  );
}

function Failed({ failed }: { readonly failed: WireRestoreReport['failed'] }): JSX.Element | null {
  if (failed.length === 0) return null;
  return (
    <Notice tone="bad" title={`${counted(failed.length, 'object')} can’t be restored`}>
      <ul class="names">
        {failed.slice(0, MOST).map(({ key, code, message }) => (
          <li key={key}>
            <Name of={key} /> <bdi>{message}</bdi> <code>{code}</code>
          </li>
        ))}
        {failed.length > MOST && <li>and {count(failed.length - MOST)} more</li>}
      </ul>
    </Notice>
  );
}
