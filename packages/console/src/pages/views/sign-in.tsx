import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { asApiError } from '../lib/api.ts';
import { ended } from '../lib/ending.ts';
import { go, place } from '../lib/router.ts';
import { settings, signIn, signInWith } from '../lib/session.ts';
import { Button, Notice } from '../parts/basics.tsx';
import { Field, UNKEPT } from '../parts/fields.tsx';
import { Page } from '../parts/page.tsx';
import { CopiedNotice } from '../parts/value.tsx';

/** What a provider, or the server at the way back from it, may say. */
const REASONS: Readonly<Record<string, string>> = {
  ACCESS_DENIED: 'The provider did not let you in, or the store does not know you.',
  UNAUTHENTICATED: 'What the provider sent does not prove who you are. Try again.',
  TIMEOUT: 'Signing in took too long. Try again.',
  UNAVAILABLE: 'The provider can’t be reached. Use a token, or try again later.',
};

export function SignInView(): JSX.Element {
  const [error, setError] = useState<string>();
  const input = useRef<HTMLInputElement>(null);
  const code = place.value.query.get('error');
  const refused = code === null ? undefined : (REASONS[code] ?? 'Signing in did not work. Try again.');
  const providers = settings.value?.providers ?? [];

  const submit = async (): Promise<void> => {
    const token = input.current?.value.trim() ?? '';
    if (token === '') {
      setError('Enter your token first.');
      input.current?.focus();
      return;
    }
    try {
      await signIn(token);
      if (place.value.path === '/sign-in') go('/');
    } catch (caught) {
      setError(asApiError(caught).message);
      input.current?.focus();
    } finally {
      // Not even the page keeps it.
      if (input.current !== null) input.current.value = '';
    }
  };

  return (
    <Page title="Sign in" lead="See what can be restored, and get it back.">
      {ended.value !== undefined && <Notice tone="warn">{ended.value}</Notice>}
      <CopiedNotice />
      {refused !== undefined && <Notice tone="bad">{refused}</Notice>}
      {providers.length > 0 && (
        <div class="providers">
          {providers.map(({ name, title }) => (
            <Button key={name} kind="primary" onPress={async () => signInWith(name)}>
              Sign in with <bdi>{title}</bdi>
            </Button>
          ))}
          <p class="or">or</p>
        </div>
      )}
      <form
        class="sign-in"
        autocomplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field label="API token" hint="Sent to the server once, and not kept in this browser." error={error}>
          {({ id, describedBy }) => (
            <input
              ref={input}
              id={id}
              aria-describedby={describedBy}
              aria-invalid={error !== undefined}
              {...UNKEPT}
              type="password"
              autofocus
            />
          )}
        </Field>
        <Button kind={providers.length > 0 ? 'plain' : 'primary'} type="submit">
          Sign in
        </Button>
      </form>
      <p class="muted small">
        No token? Whoever administers the store makes one with <code>securestore token new PRINCIPAL</code>.
      </p>
    </Page>
  );
}
