import { useLayoutEffect, useRef, type RefObject } from 'react';

const durationMs = 250;

/**
 * Lets the children of a list glide to their new places when their order changes. Children name themselves with
 * `data-key`. Measured within the list, so scrolling doesn't count as movement.
 */
export function useGlide(list: RefObject<HTMLElement | null>): void {
  const places = useRef(new Map<string, number>());

  useLayoutEffect(() => {
    const before = places.current;
    const after = new Map<string, number>();
    const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    for (const child of list.current?.children ?? []) {
      if (!(child instanceof HTMLElement) || child.dataset.key === undefined) continue;
      const top = child.offsetTop;
      after.set(child.dataset.key, top);
      const old = before.get(child.dataset.key);
      // Far away is not worth a flight across the screen.
      if (
        still ||
        old === undefined ||
        old === top ||
        Math.abs(old - top) > 2 * window.innerHeight
      ) {
        continue;
      }
      child.animate([{ transform: `translateY(${old - top}px)` }, { transform: 'none' }], {
        duration: durationMs,
        easing: 'cubic-bezier(0.2, 0, 0, 1)',
      });
    }
    places.current = after;
  });
}
