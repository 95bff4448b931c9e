/** Parts of the program that are loaded later than the rest. After a deploy those of the version before are gone. */
import { keep, kept } from '../room/keeping';
import { createStore, type Store } from '../room/store';

const pauseMs = 1000;
const leftVersions = 'left-versions';

/** What of the page a chunk depends on. */
export interface ChunkPage {
  /** The names of this page's first script, and of that which the server would send now; null if it isn't known. */
  version: () => string | null;
  newestVersion: () => Promise<string | null>;
  kept: (name: string) => string | null;
  keep: (name: string, text: string) => void;
  reload: () => void;
}

/**
 * Tries twice. If the server has another version of the page by then, the page reloads: once for each version that it
 * leaves, so never in a loop, whatever a proxy or two versions behind one address do. Rejects if nothing helps.
 */
export async function loadChunk<T>(load: () => Promise<T>, page = browserPage()): Promise<T> {
  try {
    return await load().catch(() => pause().then(load));
  } catch (reason) {
    if (!(await leaveVersion(page))) throw reason;
    page.reload();
    return new Promise(() => {});
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, pauseMs));

/** Whether the page may reload to get to another version; notes that it did. */
async function leaveVersion(page: ChunkPage): Promise<boolean> {
  const mine = page.version();
  const newest = await page.newestVersion();
  if (mine === null || newest === null || mine === newest) return false;
  const left = (page.kept(leftVersions) ?? '').split(' ');
  if (left.includes(mine)) return false;
  const text = [...left, mine].join(' ').trim();
  page.keep(leftVersions, text);
  // Where nothing can be kept, nothing would end a loop.
  return page.kept(leftVersions) === text;
}

const firstScript = /<script\b[^>]*\btype="module"[^>]*\bsrc="([^"]+)"/;

function browserPage(): ChunkPage {
  const nameOf = (src: string | undefined) => src?.split('/').at(-1) ?? null;
  return {
    version: () =>
      nameOf(document.querySelector<HTMLScriptElement>('script[type="module"][src]')?.src),
    async newestVersion() {
      try {
        const answer = await fetch(window.location.pathname, { cache: 'no-store' });
        return nameOf(firstScript.exec(await answer.text())?.[1]);
      } catch {
        return null; // no network; then a reload would help nobody
      }
    },
    kept,
    keep,
    reload: () => window.location.reload(),
  };
}

/** A chunk that components wait for together. */
export interface Chunk<T> {
  store: Store<T | 'loading' | 'failed'>;
  /** Loads it unless it is there or on its way. */
  load: () => void;
}

export function createChunk<T extends object>(load: () => Promise<T>): Chunk<T> {
  const store = createStore<T | 'loading' | 'failed'>('loading');
  let isAskedFor = false;
  return {
    store,
    load() {
      if (isAskedFor) return;
      isAskedFor = true;
      store.update(() => 'loading');
      loadChunk(load).then(
        (value) => store.update(() => value),
        (reason: unknown) => {
          console.error(reason);
          isAskedFor = false;
          store.update(() => 'failed');
        },
      );
    },
  };
}
