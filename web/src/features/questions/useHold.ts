import { useEffect, useState, type RefObject } from 'react';

/** How long after a touch the list stays still: a second tap may follow. */
const afterTouchMs = 700;
/** The header covers this much of the page's top. */
const headerPx = 72;

/**
 * Whether the list must not move now: because it is scrolled past its top, because a finger or pointer is busy in it, or
 * because somebody types or has a menu open in it.
 */
export function useHold(list: RefObject<HTMLElement | null>): boolean {
  const [scrolled, setScrolled] = useState(false);
  const [busy, setBusy] = useState(false);
  const [editing, setEditing] = useState(false);

  useEffect(() => {
    const element = list.current;
    if (element === null) return;
    let release: ReturnType<typeof setTimeout> | undefined;

    const onScroll = () =>
      setScrolled(window.scrollY > 0 && element.getBoundingClientRect().top < headerPx - 8);
    const touch = () => {
      clearTimeout(release);
      setBusy(true);
      release = setTimeout(() => setBusy(false), afterTouchMs);
    };
    const isEditor = (target: EventTarget | null) =>
      target instanceof HTMLElement &&
      target.closest('textarea, input, [data-holds-list]') !== null;
    const onFocusIn = (event: FocusEvent) => setEditing(isEditor(event.target));
    const onFocusOut = (event: FocusEvent) => setEditing(isEditor(event.relatedTarget));

    // An editor that is taken off the page, with its question say, loses the focus without an event.
    const removals = new MutationObserver(() =>
      setEditing((was) => was && element.contains(document.activeElement)),
    );

    // Another view, or a page that is shown again, may begin scrolled.
    onScroll();
    removals.observe(element, { childList: true, subtree: true });
    window.addEventListener('scroll', onScroll, { passive: true });
    element.addEventListener('pointerdown', touch);
    element.addEventListener('pointermove', touch, { passive: true });
    element.addEventListener('focusin', onFocusIn);
    element.addEventListener('focusout', onFocusOut);
    return () => {
      clearTimeout(release);
      removals.disconnect();
      window.removeEventListener('scroll', onScroll);
      element.removeEventListener('pointerdown', touch);
      element.removeEventListener('pointermove', touch);
      element.removeEventListener('focusin', onFocusIn);
      element.removeEventListener('focusout', onFocusOut);
    };
  }, [list]);

  return scrolled || busy || editing;
}
