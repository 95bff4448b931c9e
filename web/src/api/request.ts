/** One HTTP request to one tenant. Knows the manners of the contract, not its resources; those are in `api.ts`. */
import { networkError, problemFrom } from './problem';

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

/** `root` is the path prefix. Throws ApiError for all that isn't a success, and lets an abort through. */
export function createRequester(
  root: string,
  tenant: string,
  send: typeof fetch = fetch,
): Requester {
  // The caller names the shape that the contract promises for the path.
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
  return async <T>(method: string, path: string, body?: unknown, signal?: AbortSignal) => {
    const headers: Record<string, string> = { Accept: 'application/json', 'X-Tenant-ID': tenant };
    const init: RequestInit = { method, headers, credentials: 'same-origin' };
    if (signal) init.signal = signal;
    if (body !== undefined) {
      headers['Content-Type'] = 'application/json';
      init.body = JSON.stringify(body);
    }
    let response: Response;
    try {
      response = await send(root + path, init);
    } catch (reason) {
      if (signal?.aborted) throw reason;
      throw networkError();
    }
    if (!response.ok) throw await problemFrom(response);
    const value = (response.status === 204 ? undefined : await response.json()) as T;
    return { value, position: response.headers.get('X-Stream-Position') };
  };
}
