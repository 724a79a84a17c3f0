import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { place } from '../lib/router.ts';

/** Of the page that is there first: what was loaded just now takes no focus by itself. */
let lastStep: number | undefined;

/** A whole page: its heading takes the focus when somebody comes to it. */
export function Page({
  title,
  lead,
  children,
}: {
  readonly title: string;
  readonly lead?: ComponentChildren;
  readonly children: ComponentChildren;
}): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  const { step } = place.value;
  useEffect(() => {
    document.title = `${title} · securestore`;
    if (lastStep !== undefined && lastStep !== step) {
      heading.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    lastStep = step;
  }, [step, title]);
  return (
    <>
      <div class="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {lead !== undefined && <p class="lead">{lead}</p>}
      </div>
      {children}
    </>
  );
}
