import { expect, test, vi } from 'vitest';
import { takeSignInToken } from './signIn';
import { misplaced, nameIn, slugFrom, slugOf } from './slug';

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
  ['HTTPS://EXAMPLE.ORG/APP/ACME', 'acme'],
  ['https://example.org/qa/app/acme/x', 'acme'],
  ['example.org/acme', 'acme'],
  ['///', ''],
  ['…', ''],
])('%j leads to the room %j', (typed, slug) => {
  expect(slugFrom(typed)).toBe(slug);
});

test.each(['a', 'acme', 'a--b', '0', 'x'.repeat(63)])('%s can be a room’s name', (name) => {
  expect(slugOf(name)).toBe(name);
  expect(slugOf(name.toUpperCase())).toBe(name);
});

test.each(['', '-a', 'a-', 'a b', 'é', 'x'.repeat(64), 'a/b', 'a%20b'])('%j can’t', (name) => {
  expect(slugOf(name)).toBeNull();
});

test.each([
  ['', ''],
  ['/', ''],
  ['/acme', 'acme'],
  ['/acme/', 'acme'],
  ['/acme/x', 'acme/x'],
])('%j says %j', (path, name) => {
  expect(nameIn(path)).toBe(name);
});

test.each([
  ['', '/app/acme', null],
  ['', '/app', null],
  ['/qa', '/qa/app/acme', null],
  ['/app', '/app/app/acme', null],
  ['/app', '/app/acme', '/app/app/acme'],
  ['/app', '/app/', '/app/app/'],
  ['/app', '/application', '/app/app/application'],
  ['', '//evil.example/x', '/app/evil.example/x'],
])('below %j, %s belongs to %j', (root, pathname, right) => {
  expect(misplaced(root, pathname)).toBe(right);
});
