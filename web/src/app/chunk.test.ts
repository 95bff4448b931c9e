import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createChunk, loadChunk, type ChunkPage } from './chunk';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const gone = new TypeError('Failed to fetch dynamically imported module');
const failing = () => vi.fn<() => Promise<object>>(() => Promise.reject(gone));

/** A page of version `mine`, whose tab keeps texts unless `storage` is null. */
function page(
  mine: string,
  newest: string | null,
  storage: Map<string, string> | null = new Map(),
) {
  const reload = vi.fn();
  const it: ChunkPage = {
    version: () => mine,
    newestVersion: () => Promise.resolve(newest),
    kept: (name) => storage?.get(name) ?? null,
    keep: (name, text) => void storage?.set(name, text),
    reload,
  };
  return { it, reload };
}

/** What becomes of loading: a value, an error, or nothing yet. */
async function outcome(promise: Promise<object>): Promise<unknown> {
  let result: unknown = 'nothing yet';
  promise.then(
    (value) => (result = value),
    (reason: unknown) => (result = reason),
  );
  await vi.advanceTimersByTimeAsync(60_000);
  return result;
}

describe('loading', () => {
  test('is tried once more', async () => {
    const value = {};
    const load = failing().mockRejectedValueOnce(gone).mockResolvedValueOnce(value);
    expect(await outcome(loadChunk(load, page('a.js', 'a.js').it))).toBe(value);
    expect(load).toHaveBeenCalledTimes(2);
  });

  test('fails after that if the server has no other version', async () => {
    const { it, reload } = page('a.js', 'a.js');
    expect(await outcome(loadChunk(failing(), it))).toBe(gone);
    expect(reload).not.toHaveBeenCalled();
  });

  test('fails if nothing can be learnt of the server’s version', async () => {
    const { it, reload } = page('a.js', null);
    expect(await outcome(loadChunk(failing(), it))).toBe(gone);
    expect(reload).not.toHaveBeenCalled();
  });

  test('reloads once for each version, never in a loop', async () => {
    const storage = new Map<string, string>();
    const first = page('a.js', 'b.js', storage);
    expect(await outcome(loadChunk(failing(), first.it))).toBe('nothing yet');
    expect(first.reload).toHaveBeenCalledOnce();
    // Two versions behind one address: the page swings between them.
    const second = page('b.js', 'a.js', storage);
    expect(await outcome(loadChunk(failing(), second.it))).toBe('nothing yet');
    expect(second.reload).toHaveBeenCalledOnce();
    const third = page('a.js', 'b.js', storage);
    expect(await outcome(loadChunk(failing(), third.it))).toBe(gone);
    expect(third.reload).not.toHaveBeenCalled();
  });

  test('does not reload where nothing can be kept', async () => {
    const { it, reload } = page('a.js', 'b.js', null);
    expect(await outcome(loadChunk(failing(), it))).toBe(gone);
    expect(reload).not.toHaveBeenCalled();
  });
});

test('a chunk is loaded once for all, and again after it failed', async () => {
  vi.stubGlobal('window', undefined);
  vi.stubGlobal('document', { querySelector: () => null });
  vi.spyOn(console, 'error').mockReturnValue();
  const value = {};
  const load = failing();
  const chunk = createChunk(load);
  expect(chunk.store.get()).toBe('loading');
  chunk.load();
  chunk.load();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(chunk.store.get()).toBe('failed');
  expect(load).toHaveBeenCalledTimes(2);
  load.mockResolvedValue(value);
  chunk.load();
  expect(chunk.store.get()).toBe('loading');
  await vi.advanceTimersByTimeAsync(0);
  expect(chunk.store.get()).toBe(value);
  chunk.load();
  expect(load).toHaveBeenCalledTimes(3);
  vi.unstubAllGlobals();
});
