/** One HTTP request to one tenant. Knows the manners of the contract, not its resources; those are in `api.ts`. */
import type { RequestNews } from '../requestNews';
import { ApiError, networkError, offlineError, problemFrom, timeoutError } from './problem';

export interface Answer<T> {
  value: T;
  /** From which position on the log has this change; null for requests that change nothing. */
  position: string | null;
}

export type Requester = <T>(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
) => Promise<Answer<T>>;

/** No request is waited for longer than this: a network that lost it says nothing. */
export const timeLimit = 10_000;
/** After this long people are told that something is being looked into. */
export const lateAfter = 2_500;

export interface RequesterOptions {
  send?: typeof fetch | undefined;
  onNews?: ((news: RequestNews) => void) | undefined;
}

/** `root` is the path prefix. Throws ApiError for all that isn't a success, and lets an abort through. */
export function createRequester(
  root: string,
  tenant: string,
  { send = fetch, onNews = () => {} }: RequesterOptions = {},
): Requester {
  let requests = 0;
  // The caller names the shape that the contract promises for the path.
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
  return async <T>(method: string, path: string, body?: unknown, signal?: AbortSignal) => {
    const headers: Record<string, string> = { Accept: 'application/json', 'X-Tenant-ID': tenant };
    const attempt = new AbortController();
    const init: RequestInit = {
      method,
      headers,
      credentials: 'same-origin',
      signal: attempt.signal,
    };
    if (body !== undefined) {
      headers['Content-Type'] = 'application/json';
      init.body = JSON.stringify(body);
    }
    const abort = () => attempt.abort(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    const sent = { request: (requests += 1), sentAt: Date.now() };
    const lateTimer = setTimeout(() => onNews({ kind: 'late', ...sent }), lateAfter);
    const limitTimer = setTimeout(() => attempt.abort(timeoutError()), timeLimit);
    const failed = navigator.onLine ? networkError : offlineError;
    let kind: RequestNews['kind'] = 'over';
    try {
      const response = await send(root + path, init);
      if (!response.ok) throw await problemFrom(response);
      const value = (response.status === 204 ? undefined : await response.json()) as T;
      return { value, position: response.headers.get('X-Stream-Position') };
    } catch (reason) {
      if (signal?.aborted || (reason instanceof ApiError && reason.status !== 0)) throw reason;
      kind = 'unanswered';
      throw attempt.signal.reason instanceof ApiError ? attempt.signal.reason : failed();
    } finally {
      clearTimeout(lateTimer);
      clearTimeout(limitTimer);
      signal?.removeEventListener('abort', abort);
      onNews({ kind, ...sent });
    }
  };
}
