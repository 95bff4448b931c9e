import { expect, test, vi } from 'vitest';
import { takeSignInToken } from './signIn';
import { slugFrom } from './slug';

function pageAt(address: string) {
  const replaceState = vi.fn();
  const location = new URL(address) as unknown as Location;
  return { location, history: { state: null, replaceState } as unknown as History, replaceState };
}

test('the token is taken out of the address', () => {
  const page = pageAt('https://example.org/qa/app/acme?x=1#signin=abc.DEF-1');
  expect(takeSignInToken(page)).toBe('abc.DEF-1');
  expect(page.replaceState).toHaveBeenCalledWith(null, '', '/qa/app/acme?x=1');
});

test('an address without a token is left alone', () => {
  const page = pageAt('https://example.org/app/acme#top');
  expect(takeSignInToken(page)).toBeNull();
  expect(page.replaceState).not.toHaveBeenCalled();
});

test.each([
  ['acme', 'acme'],
  ['  Acme Town Hall! ', 'acme-town-hall'],
  ['https://example.org/app/acme/?x#y', 'acme'],
  ['///', ''],
  ['…', ''],
])('%j leads to the room %j', (typed, slug) => {
  expect(slugFrom(typed)).toBe(slug);
});
