/** What may be asked. Pure. */

/** Characters as the server counts them: an emoji is one, not two. */
export function lengthOf(text: string): number {
  return Array.from(text.trim()).length;
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
