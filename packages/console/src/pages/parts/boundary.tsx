import type { ComponentChildren, JSX } from 'preact';
import { useErrorBoundary } from 'preact/hooks';
import { asApiError } from '../lib/api.ts';
import { Failure } from './basics.tsx';
import { Page } from './page.tsx';

/** Shows what can be done when a page can't show what it was given, such as an answer that lacks something. */
export function Boundary({ children }: { readonly children: ComponentChildren }): JSX.Element {
  const [error, again] = useErrorBoundary();
  if (error === undefined) return <>{children}</>;
  return (
    <Page title="This page can’t be shown">
      <Failure error={asApiError(error)} onRetry={again} />
    </Page>
  );
}
