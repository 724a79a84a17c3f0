import type { ComponentChildren, JSX } from 'preact';
import { may } from '../lib/session.ts';
import { Empty, Link } from './basics.tsx';

/** What there is to say where a store has no backups, and the way to a first one. */
export function NotBackedUp({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return (
    <Empty title="This store is not backed up">
      <p>{children}</p>
      {may('backup') && may('backup.manage') && (
        <Link to="/backups" isButton>
          Make a backup
        </Link>
      )}
    </Empty>
  );
}
