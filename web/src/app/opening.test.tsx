import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { lateAfter } from '../api/request';
import { openEarly, takeRoom } from './opening';

/** What the page has asked for, in order; answered when a test says so. */
let requests: { what: string; body: unknown; answer: (status: number, body: unknown) => void }[];
let streams: FakeStream[];

class FakeStream {
  closed = false;
  onmessage: ((message: MessageEvent) => void) | null = null;
  constructor(readonly url: string) {
    streams.push(this);
  }
  close() {
    this.closed = true;
  }
  say(type: string, data: unknown, lastEventId: string) {
    this.onmessage?.(
      new MessageEvent('message', { data: JSON.stringify({ type, data }), lastEventId }),
    );
  }
}

const session = { tenantId: 'T', tenantSlug: 'acme', role: 'member', isGuest: true, can: [] };
const tenant = { id: 'T', slug: 'acme', name: 'Acme', settings: {} };

beforeEach(() => {
  requests = [];
  streams = [];
  vi.stubGlobal('EventSource', FakeStream);
  vi.stubGlobal('BroadcastChannel', undefined); // no other tabs to agree with first
  vi.stubGlobal('fetch', (url: string, { method, body }: { method: string; body?: string }) => {
    return new Promise((resolve) => {
      requests.push({
        what: `${method} ${url}`,
        body: body && JSON.parse(body),
        answer: (status, value) => resolve(Response.json(value, { status })),
      });
    });
  });
  onTestFinished(() => void vi.unstubAllGlobals());
});

const asked = () => requests.map((it) => it.what);

/** Answers the newest request for `what`. */
async function answer(what: string, status: number, body: unknown) {
  const found = requests.findLast((it) => it.what === what);
  if (!found) throw new Error(`Nobody asked for ${what}`);
  found.answer(status, body);
  await settled();
}

/** Waits until all that follows from an answer has been done. */
const settled = () => new Promise((resolve) => setTimeout(resolve));

const unavailable = { code: 'unavailable', error: 'Unavailable', detail: 'Later.' };

test('session and tenant are asked for at once, and the stream with the first of them', async () => {
  const room = takeRoom('acme');
  expect(asked().sort()).toEqual(['GET /session', 'GET /tenants/current']);
  expect(streams).toEqual([]);
  await answer('GET /session', 200, session);
  expect(streams.map((it) => it.url)).toEqual(['/sse?tenantId=acme&snapshot=1']);
  await answer('GET /tenants/current', 200, tenant);
  const { client, ...opened } = await room;
  expect(opened).toMatchObject({ session, tenant, refusal: null });
  client.stop();
});

test('what was opened early is taken once', async () => {
  openEarly('acme');
  const room = takeRoom('acme');
  expect(requests).toHaveLength(2);
  const failed = expect(room).rejects.toMatchObject({ status: 503 });
  await answer('GET /session', 503, unavailable);
  await failed;
  const again = expect(takeRoom('acme')).rejects.toMatchObject({ status: 503 });
  expect(requests).toHaveLength(4);
  await answer('GET /session', 503, unavailable);
  await again;
});

test('a room that was opened early and is not asked for has no stream', async () => {
  openEarly('acme');
  await answer('GET /session', 200, session);
  const other = takeRoom('other');
  await answer('GET /session', 200, session);
  await answer('GET /tenants/current', 200, tenant);
  (await other).client.stop();
  requests.find((it) => it.what === 'GET /tenants/current')?.answer(200, tenant);
  await settled();
  expect(streams.map((it) => it.closed)).toEqual([true, true]);
});

test('a room that can’t be opened has no stream', async () => {
  const failed = expect(takeRoom('acme')).rejects.toMatchObject({ status: 503 });
  await answer('GET /session', 200, session);
  await answer('GET /tenants/current', 503, unavailable);
  await failed;
  expect(streams.map((it) => it.closed)).toEqual([true]);
});

test('a late request shows until it is over, whatever is on the page', async () => {
  const room = takeRoom('acme');
  await answer('GET /session', 200, session);
  await answer('GET /tenants/current', 200, tenant);
  const { api, client } = await room;
  onTestFinished(() => client.stop());
  streams[0]?.say('connected', {}, 'e.0');
  streams[0]?.say('snapshot', { questions: [], tags: [], teams: [] }, 'e.1');
  const status = () => client.getSnapshot().status;
  await vi.waitFor(() => expect(status()).toBe('live'));
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const late = api.question('q');
  await vi.advanceTimersByTimeAsync(lateAfter + 100);
  expect(status()).toBe('checking');
  requests.at(-1)?.answer(200, {});
  await late;
  await vi.advanceTimersByTimeAsync(100);
  expect(status()).toBe('live');
});

test('a link’s token is sent until the server has seen it, and then never again', async () => {
  window.history.replaceState(null, '', '/app/acme#signin=abc');
  const failed = expect(takeRoom('acme')).rejects.toMatchObject({ status: 503 });
  expect(window.location.hash).toBe('');
  await answer('POST /session', 503, unavailable);
  await failed;

  const again = takeRoom('acme');
  expect(requests.findLast((it) => it.what === 'POST /session')?.body).toEqual({ token: 'abc' });
  await answer('GET /tenants/current', 200, tenant);
  await answer('POST /session', 403, { code: 'invalid_token', error: 'No', detail: 'Used.' });
  await answer('GET /session', 200, session);
  const opened = await again;
  expect(opened.refusal?.code).toBe('invalid_token');
  opened.client.stop();

  const last = takeRoom('acme');
  expect(asked().at(-1)).toBe('GET /session');
  await answer('GET /tenants/current', 200, tenant);
  await answer('GET /session', 200, session);
  (await last).client.stop();
  expect(asked().filter((it) => it === 'POST /session')).toHaveLength(2);
});
