/** Keeping a list still while somebody reads or touches it. Pure. */
import type { Item } from '../../room';

export interface HeldItem extends Item {
  /** Removed meanwhile; its place stays until the list may move again. */
  readonly gone: boolean;
}

export interface HeldList {
  items: readonly HeldItem[];
  /** How many new questions wait to be shown. */
  waiting: number;
}

export function follow(latest: readonly Item[]): HeldList {
  return { items: latest.map((item) => ({ ...item, gone: false })), waiting: 0 };
}

/**
 * The questions of `frozen`, in that order, as they are now. What the person just asked comes on top all the same: they
 * are waiting for it.
 */
export function hold(
  frozen: readonly Item[],
  latest: readonly Item[],
  now: (item: Item) => Item | null,
): HeldList {
  const places = new Set(frozen.map((item) => item.key));
  const fresh = new Map(latest.map((item) => [item.key, item]));
  const added = latest.filter((item) => !places.has(item.key));
  const mine = added.filter((item) => item.question.isMine);
  const kept = frozen.map((item): HeldItem => {
    // It may have left this view, answered say, and still be there.
    const current = fresh.get(item.key) ?? now(item);
    return current ? { ...current, gone: false } : { ...item, gone: true };
  });
  return {
    items: [...mine.map((item) => ({ ...item, gone: false })), ...kept],
    waiting: added.length - mine.length,
  };
}
