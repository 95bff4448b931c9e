import { expect, test } from 'vitest';
import texts from '../../../../tests/texts.json';
import { canSend, lengthOf, remaining } from './draft';

const limits = { shortest: 3, longest: 300 };

test.each(texts.lengths)(
  'counts characters as people and the server do: %j',
  ({ text, length }) => {
    for (const form of ['NFC', 'NFD']) expect(lengthOf(text.normalize(form))).toBe(length);
  },
);

test.each(texts.invisible)('counts nothing where nobody can see anything: %j', (text) => {
  expect(lengthOf(text)).toBe(0);
});

test('sends what is long and short enough', () => {
  expect(canSend(' ab ', limits)).toBe(false);
  expect(canSend('abc', limits)).toBe(true);
  expect(canSend('x'.repeat(301), limits)).toBe(false);
});

test('the counter appears near the limit', () => {
  expect(remaining('x'.repeat(239), limits)).toBeNull();
  expect(remaining('x'.repeat(240), limits)).toBe(60);
  expect(remaining('x'.repeat(310), limits)).toBe(-10);
});
