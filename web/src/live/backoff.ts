/** How long to wait before trying again, in ms. */

const steps = [1000, 2000, 4000, 8000];
const longest = 10_000;

/**
 * After the n-th failure in a row (from 1): 1, 2, 4, 8, then 10 s, each spread by a quarter either way. Without the
 * spread a whole hall whose access point blinked would come back in the same millisecond, again and again.
 */
export function backoff(failures: number, random: () => number): number {
  return (steps[failures - 1] ?? longest) * (0.75 + random() / 2);
}

/** After a goodbye: the same range as the server's `retry`, which EventSource doesn't show to script. */
export function afterGoodbye(random: () => number): number {
  return 1000 + random() * 3000;
}
