import { expect, test, vi } from 'vitest';
import { keep, kept, keptList } from './keeping';

const isText = (value: unknown): value is string => typeof value === 'string';

test('keeps a text under a name of its own', () => {
  keep('draft', 'Why?');
  expect(kept('draft')).toBe('Why?');
  expect(kept('other')).toBeNull();
  expect(sessionStorage.getItem('pulsestage:draft')).toBe('Why?');
});

test('does not keep an empty text', () => {
  keep('draft', 'Why?');
  keep('draft', '');
  expect(sessionStorage).toHaveLength(0);
});

test.each([
  [null, []],
  ['["a",1,"b"]', ['a', 'b']],
  ['{"0":"a"}', []],
  ['[', []],
])('reads a list that was kept as %s', (text, list) => {
  if (text !== null) keep('list', text);
  expect(keptList('list', isText)).toEqual(list);
});

test('does without storage where it is forbidden', () => {
  const forbidden = () => {
    throw new DOMException('Access is denied', 'SecurityError');
  };
  for (const method of ['getItem', 'setItem', 'removeItem'] as const) {
    vi.spyOn(Storage.prototype, method).mockImplementation(forbidden);
  }
  keep('draft', 'Why?');
  keep('draft', '');
  expect(kept('draft')).toBeNull();
  expect(keptList('list', isText)).toEqual([]);
});
