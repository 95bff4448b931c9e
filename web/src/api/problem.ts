/** What can go wrong with a request, as one error type. `code` is for programs, `error` and `detail` are for people. */

export type Fields = Readonly<Record<string, readonly string[]>>;

export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    /** HTTP status; 0 when the server was not reached. */
    readonly status: number,
    /** Stable, e.g. `question_frozen`; `network` when the server was not reached. */
    readonly code: string,
    /** A few words, e.g. "Question is frozen". */
    readonly error: string,
    /** A sentence that says what to do. */
    readonly detail: string,
    /** What is wrong with which field of the request. */
    readonly fields: Fields = {},
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(`${error}: ${detail}`);
  }

  /** Whether a change may have been made all the same: its answer was lost, or was a proxy's. */
  get isUncertain(): boolean {
    if (this.status === 0) return this.code !== 'offline';
    return this.status >= 500 && this.status !== 503;
  }
}

export function networkError(): ApiError {
  return new ApiError(
    0,
    'network',
    'No connection',
    'The server can’t be reached. Check your connection and try again.',
  );
}

/** Without a network nothing was sent. */
export function offlineError(): ApiError {
  return new ApiError(
    0,
    'offline',
    'You are offline',
    'This device has no network. Try again when it has.',
  );
}

export function timeoutError(): ApiError {
  return new ApiError(
    0,
    'timeout',
    'No answer',
    'The server has not answered for 10 seconds. Check your connection and try again.',
  );
}

/** Reads `application/problem+json`, and makes do with whatever a proxy in between answers instead. */
export async function problemFrom(response: Response): Promise<ApiError> {
  let body: unknown = null;
  try {
    body = await response.json();
  } catch {
    // Not JSON; the status has to do.
  }
  const problem = isObject(body) ? body : {};
  const wait = Number(response.headers.get('Retry-After') ?? 'none');
  return new ApiError(
    response.status,
    text(problem.code) ?? `http_${response.status}`,
    text(problem.error) ?? text(problem.title) ?? fallback(response.status),
    text(problem.detail) ?? 'Try again in a moment.',
    fieldsFrom(problem.fields),
    Number.isFinite(wait) ? wait : null,
  );
}

function fallback(status: number): string {
  if (status === 429) return 'Too many requests';
  return status >= 500 ? 'The server has a problem' : 'That didn’t work';
}

function fieldsFrom(value: unknown): Fields {
  if (!isObject(value)) return {};
  const fields: Record<string, readonly string[]> = {};
  for (const [name, problems] of Object.entries(value)) {
    if (Array.isArray(problems)) fields[name] = problems.filter((it) => typeof it === 'string');
  }
  return fields;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
