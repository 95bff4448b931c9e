import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { RequestNews } from '../requestNews';
import { createApi } from './api';
import { ApiError } from './problem';
import { lateAfter, timeLimit } from './request';

beforeEach(() => void vi.stubGlobal('navigator', { onLine: true }));
afterEach(() => void vi.unstubAllGlobals());

function serverThatSays(response: Response | Error) {
  return vi.fn<typeof fetch>(() =>
    response instanceof Error ? Promise.reject(response) : Promise.resolve(response),
  );
}

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  try {
    await promise;
  } catch (reason) {
    if (reason instanceof ApiError) return reason;
    throw reason;
  }
  throw new Error('It succeeded');
}

const problem = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  Response.json(body, { status, headers });

describe('requests', () => {
  test('name the tenant, stay below the prefix, and bring the position along', async () => {
    const send = serverThatSays(
      Response.json({ id: 'q' }, { status: 201, headers: { 'X-Stream-Position': 'e.9' } }),
    );
    const answer = await createApi('/qa', 'acme', { send }).ask('Why?', null);
    expect(answer).toEqual({ value: { id: 'q' }, position: 'e.9' });
    const [url, init] = send.mock.calls[0] ?? [];
    expect(url).toBe('/qa/questions');
    expect(init).toMatchObject({
      method: 'POST',
      credentials: 'same-origin',
      body: '{"body":"Why?"}',
      headers: { 'X-Tenant-ID': 'acme', 'Content-Type': 'application/json' },
    });
  });

  test('an answer without content is fine', async () => {
    const send = serverThatSays(
      new Response(null, { status: 204, headers: { 'X-Stream-Position': 'e.9' } }),
    );
    expect(await createApi('', 'acme', { send }).remove('q')).toEqual({
      value: undefined,
      position: 'e.9',
    });
  });

  test('text in an address is escaped', async () => {
    const send = serverThatSays(Response.json([]));
    await createApi('', 'acme', { send }).similar('50 % & more?');
    expect(send.mock.calls[0]?.[0]).toBe('/questions/search?q=50%20%25%20%26%20more%3F');
  });
});

describe('errors', () => {
  test('carry what the server says', async () => {
    const send = serverThatSays(
      problem(409, { code: 'question_frozen', error: 'Question is frozen', detail: 'Paused.' }),
    );
    const error = await failure(createApi('', 'acme', { send }).vote('q', true));
    expect(error).toMatchObject({
      status: 409,
      code: 'question_frozen',
      error: 'Question is frozen',
      detail: 'Paused.',
      fields: {},
    });
  });

  test('name the fields', async () => {
    const send = serverThatSays(
      problem(422, {
        code: 'invalid_input',
        error: 'Invalid input',
        fields: { body: ['Too short'] },
      }),
    );
    const error = await failure(createApi('', 'acme', { send }).ask('', null));
    expect(error.fields).toEqual({ body: ['Too short'] });
  });

  test('say how long to wait', async () => {
    const send = serverThatSays(problem(429, { error: 'Too fast' }, { 'Retry-After': '7' }));
    expect((await failure(createApi('', 'acme', { send }).session())).retryAfterSeconds).toBe(7);
  });

  test('make do with a proxy’s page', async () => {
    const send = serverThatSays(new Response('<h1>Bad gateway</h1>', { status: 502 }));
    const error = await failure(createApi('', 'acme', { send }).session());
    expect(error).toMatchObject({
      status: 502,
      code: 'http_502',
      error: 'The server has a problem',
    });
  });

  test.each([[null], [[]], ['text'], [{ fields: 'no', code: 5 }]])(
    'survive a strange body: %j',
    async (body) => {
      const error = await failure(
        createApi('', 'acme', { send: serverThatSays(problem(400, body)) }).session(),
      );
      expect(error).toMatchObject({ status: 400, code: 'http_400', fields: {} });
    },
  );

  test('a server that is not there is an error with a name', async () => {
    const error = await failure(
      createApi('', 'a', { send: serverThatSays(new TypeError('no')) }).session(),
    );
    expect(error).toMatchObject({ status: 0, code: 'network' });
  });

  test('without a network it is certain that nothing was sent', async () => {
    vi.stubGlobal('navigator', { onLine: false });
    const error = await failure(
      createApi('', 'a', { send: serverThatSays(new TypeError('no')) }).session(),
    );
    expect(error).toMatchObject({ status: 0, code: 'offline', isUncertain: false });
  });

  test('an abort is not an error of the server', async () => {
    const abort = new AbortController();
    abort.abort();
    const send = serverThatSays(new DOMException('Aborted', 'AbortError'));
    await expect(createApi('', 'a', { send }).session(abort.signal)).rejects.toBeInstanceOf(
      DOMException,
    );
  });
});

describe('silence', () => {
  /** A network that says nothing, and ends what is aborted. */
  function silentApi() {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const news: RequestNews['kind'][] = [];
    const send: typeof fetch = (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(new DOMException('No', 'AbortError')));
      });
    const api = createApi('', 'acme', { send, onNews: ({ kind }) => news.push(kind) });
    return { api, news };
  }

  test('is noticed after a while, and ends after ten seconds with a clear word', async () => {
    const { api, news } = silentApi();
    const failed = failure(api.vote('q', true));
    await vi.advanceTimersByTimeAsync(lateAfter);
    expect(news).toEqual(['late']);
    await vi.advanceTimersByTimeAsync(timeLimit - lateAfter);
    expect(await failed).toMatchObject({ status: 0, code: 'timeout', isUncertain: true });
    expect(news).toEqual(['late', 'unanswered']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('also in the middle of an answer', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const send: typeof fetch = (_, init) => {
      const body = new ReadableStream({
        start(controller) {
          init?.signal?.addEventListener('abort', () => controller.error(new Error('aborted')));
        },
      });
      return Promise.resolve(new Response(body, { status: 200 }));
    };
    const failed = failure(createApi('', 'acme', { send }).session());
    await vi.advanceTimersByTimeAsync(timeLimit);
    expect((await failed).code).toBe('timeout');
  });

  test('that the page itself wanted is no news', async () => {
    const { api, news } = silentApi();
    const abort = new AbortController();
    const left = api.session(abort.signal).catch((reason: unknown) => reason);
    abort.abort();
    expect(await left).toBeInstanceOf(DOMException);
    expect(news).toEqual(['over']);
  });
});

test('a page that is no answer of ours, as of a hotel’s network, counts as no answer', async () => {
  const send = serverThatSays(new Response('<h1>Welcome</h1>', { status: 200 }));
  expect(await failure(createApi('', 'acme', { send }).session())).toMatchObject({
    code: 'network',
  });
});

test.each([
  [0, true],
  [409, false],
  [429, false],
  [500, true],
  [502, true],
  [503, false],
  [504, true],
])('after %i it is uncertain whether something changed: %j', (status, uncertain) => {
  expect(new ApiError(status, '', '', '').isUncertain).toBe(uncertain);
});
