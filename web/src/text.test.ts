import { expect, test, vi } from 'vitest';
import texts from '../../tests/texts.json';
import { charactersLeft, fits, visibleLength } from './text';

test.each(texts.lengths)('$text has $length characters', ({ text, length }) => {
  for (const form of ['NFC', 'NFD']) expect(visibleLength(text.normalize(form))).toBe(length);
});

test.each(texts.invisible)('nobody can see %j, so it is no text', (text) => {
  expect(visibleLength(text)).toBe(0);
  expect(fits(text, { shortest: 1, longest: 10 })).toBe(false);
});

test('a text has from its shortest to its longest number of characters', () => {
  const limits = { shortest: 3, longest: 5 };
  expect([' ab ', 'abc', 'abcde', 'abcdef'].map((text) => fits(text, limits))).toEqual([
    ...[false, true, true, false],
  ]);
});

test('few characters can not hide many code points', () => {
  const family = '👩\u200d👩\u200d👧\u200d👦';
  expect(charactersLeft(family.repeat(30), 50)).toBe(20);
  expect(charactersLeft(family.repeat(33), 50)).toBe(1);
  expect(charactersLeft(` ${family.repeat(35)}\n`, 50)).toBe(-13);
  expect(fits('a' + '\u200b'.repeat(231), { shortest: 1, longest: 50 })).toBe(true);
  expect(fits('a' + '\u200b'.repeat(232), { shortest: 1, longest: 50 })).toBe(false);
});

test('a text that is far too long is not taken apart', () => {
  const segment = vi.spyOn(Intl.Segmenter.prototype, 'segment');
  expect(charactersLeft('a'.repeat(233), 50)).toBe(-1);
  expect(fits('a'.repeat(60_000), { shortest: 1, longest: 50 })).toBe(false);
  expect(segment).not.toHaveBeenCalled();
  expect(fits('a', { shortest: 1, longest: 50 })).toBe(true);
  expect(segment).toHaveBeenCalled();
  segment.mockRestore();
});

test('without a segmenter marks belong to their letter', () => {
  vi.stubGlobal('Intl', {});
  expect(visibleLength('')).toBe(0);
  expect(visibleLength(' e\u0301\n😀किताब ')).toBe(6);
  vi.unstubAllGlobals();
});
