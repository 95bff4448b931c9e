/** The server's rules for the length of what people type; tests/texts.json holds both to them. Pure. */

export interface Limits {
  shortest: number;
  longest: number;
}

/** Shows nothing, though it is neither white space, nor a joiner, nor a sign that stands before numbers. */
const unseen =
  /(?![\p{White_Space}\u200c-\u200d\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}])[\p{DI}\p{Cc}\p{Cf}\u2800\u{1d159}]/gu;
/** At the ends of a text, where joiners join nothing. */
const edge = /^[\p{White_Space}\u200c\u200d]*$/u;

/** How many characters people see, white space between them included: extended grapheme clusters (UAX 29). */
export function visibleLength(text: string): number {
  const inks = charactersOf(text.replace(unseen, '')).map((character) => !edge.test(character));
  const first = inks.indexOf(true);
  return first < 0 ? 0 : inks.lastIndexOf(true) - first + 1;
}

/** How many characters more a text may have; below 0 it has too many. They may have four code points each, and 32 more. */
export function charactersLeft(text: string, longest: number): number {
  const spare = 4 * longest + 32 - Array.from(text.trim()).length;
  // Whatever was pasted, only so much is taken apart: some segmenters need quadratic time.
  return spare < 0 ? spare : Math.min(longest - visibleLength(text), spare);
}

export function fits(text: string, { shortest, longest }: Limits): boolean {
  return charactersLeft(text, longest) >= 0 && visibleLength(text) >= shortest;
}

/** Firefox has no segmenter before version 125. There, marks belong to the letter before them. */
function charactersOf(text: string): string[] {
  const { Segmenter } = Intl as Partial<typeof Intl>;
  if (Segmenter === undefined) return text.match(/.\p{M}*/gsu) ?? [];
  return Array.from(new Segmenter().segment(text), ({ segment }) => segment);
}
