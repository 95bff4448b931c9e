/**
 * A sign-in link carries its token in the fragment, which browsers send to no server and put in no referrer. It is taken
 * out of the address bar before anything else, so that it is in no screenshot, bookmark or history either.
 */
export function takeSignInToken(page: Pick<Window, 'location' | 'history'>): string | null {
  const token = new URLSearchParams(page.location.hash.slice(1)).get('signin');
  if (token === null) return null;
  const { pathname, search } = page.location;
  page.history.replaceState(page.history.state, '', pathname + search);
  return token === '' ? null : token;
}
