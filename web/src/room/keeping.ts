/** Small texts that outlive a reload of the tab, and nothing else. Where storage is forbidden, nothing is kept. */

const prefix = 'pulsestage:';

export function kept(name: string): string | null {
  try {
    return window.sessionStorage.getItem(prefix + name);
  } catch {
    return null;
  }
}

/** A list that was kept as JSON, without what `isItem` refuses: another version of the page may have kept it. */
export function keptList<T>(name: string, isItem: (value: unknown) => value is T): T[] {
  try {
    const list: unknown = JSON.parse(kept(name) ?? '[]');
    return Array.isArray(list) ? list.filter(isItem) : [];
  } catch {
    return []; // not JSON
  }
}

/** An empty text is not kept. */
export function keep(name: string, text: string): void {
  try {
    if (text === '') window.sessionStorage.removeItem(prefix + name);
    else window.sessionStorage.setItem(prefix + name, text);
  } catch {
    // Forbidden or full: a reload will lose it.
  }
}
