/** What may be asked. Pure. */

const space = String.raw`\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
const joiners = String.raw`\u200c\u200d`;
/** Signs of a script that Unicode counts among the format characters, and that are drawn. */
const drawn = String.raw`\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}`;
const blank = String.raw`\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\u2800\u{1d159}`;
const invisible = new RegExp(`(?![${space}${drawn}${joiners}])[${blank}]`, 'gu');
const edges = new RegExp(`^[${space}${joiners}]+|[${space}${joiners}]+$`, 'gu');
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Characters as people see them and the server counts them; tests/texts.json holds both to it. */
export function lengthOf(text: string): number {
  const shown = text.replaceAll('\r\n', '\n').replace(invisible, '').replace(edges, '');
  return Array.from(graphemes.segment(shown)).length;
}

export interface Limits {
  shortest: number;
  longest: number;
}

export function canSend(text: string, { shortest, longest }: Limits): boolean {
  const length = lengthOf(text);
  return length >= shortest && length <= longest;
}

/** The counter, once it matters: within a fifth, at most 200, of the limit. */
export function remaining(text: string, { longest }: Limits): number | null {
  const left = longest - lengthOf(text);
  return left <= Math.min(200, longest / 5) ? left : null;
}
