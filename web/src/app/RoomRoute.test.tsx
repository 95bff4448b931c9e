import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, onTestFinished, test, vi } from 'vitest';
import { deferred } from '../test/fakeRoom';
import { ToastProvider } from '../ui/Toasts';
import { Room } from './RoomRoute';

class FakeStream {
  static opened: FakeStream[] = [];
  closed = false;
  constructor() {
    FakeStream.opened.push(this);
  }
  close() {
    this.closed = true;
  }
}

test('who leaves while a room is opening leaves no stream behind', async () => {
  FakeStream.opened = [];
  const tenant = deferred<Response>();
  vi.stubGlobal('EventSource', FakeStream);
  vi.stubGlobal('BroadcastChannel', undefined); // no other tabs to agree with first
  vi.stubGlobal('fetch', (url: string) =>
    url === '/session'
      ? Promise.resolve(Response.json({ role: 'member', isGuest: true, can: [] }))
      : tenant.promise,
  );
  onTestFinished(() => void vi.unstubAllGlobals());
  const page = render(
    <QueryClientProvider client={new QueryClient()}>
      <ToastProvider>
        <Room slug="acme" />
      </ToastProvider>
    </QueryClientProvider>,
  );
  await vi.waitFor(() => expect(FakeStream.opened).toHaveLength(1));
  page.unmount();
  tenant.resolve(Response.json({ id: 'T', slug: 'acme', name: 'Acme', settings: {} }));
  await vi.waitFor(() => expect(FakeStream.opened[0]?.closed).toBe(true));
});

test('who signs out goes on as a guest, in a stream of a guest', async () => {
  FakeStream.opened = [];
  let isGuest = false;
  const answers: Record<string, () => unknown> = {
    'GET /session': () => ({ role: isGuest ? 'member' : 'moderator', isGuest, can: ['ask'] }),
    'GET /tenants/current': () => ({ id: 'T', slug: 'acme', name: 'Acme', settings: {} }),
    'DELETE /session': () => (isGuest = true),
  };
  vi.stubGlobal('EventSource', FakeStream);
  vi.stubGlobal('BroadcastChannel', undefined); // no other tabs to agree with first
  vi.stubGlobal('fetch', (url: string, { method = 'GET' }: RequestInit) =>
    Promise.resolve(Response.json(answers[`${method} ${url}`]?.())),
  );
  onTestFinished(() => void vi.unstubAllGlobals());
  const page = render(
    <QueryClientProvider client={new QueryClient()}>
      <ToastProvider>
        <Room slug="acme" />
      </ToastProvider>
    </QueryClientProvider>,
  );

  const signOut = await screen.findByRole('button', { name: 'Sign out' });
  expect(document.title).toBe('Acme · PulseStage');
  await userEvent.click(signOut);
  await vi.waitFor(() => expect(screen.queryByRole('button', { name: 'Sign out' })).toBeNull());
  expect(screen.getByRole('heading', { name: 'Acme' })).toBeTruthy();
  expect(FakeStream.opened.map((it) => it.closed)).toEqual([true, false]);

  page.unmount();
  expect(FakeStream.opened.map((it) => it.closed)).toEqual([true, true]);
});
