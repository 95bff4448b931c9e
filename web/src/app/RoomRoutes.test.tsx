import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Router } from 'wouter';
import { memoryLocation } from 'wouter/memory-location';
import { ToastProvider } from '../ui/Toasts';
import { RoomRoutes } from './RoomRoutes';

/** Opens the page at this address below `/app`, on a server without any room. The rooms that it asks for. */
function openAt(address: string): string[] {
  const asked: string[] = [];
  vi.stubGlobal('fetch', (url: string, { headers }: { headers: Record<string, string> }) => {
    if (url === '/tenants/current') asked.push(headers['X-Tenant-ID'] ?? '');
    const problem = { code: 'tenant_not_found', error: 'Tenant not found', detail: 'None.' };
    return Promise.resolve(Response.json(problem, { status: 404 }));
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  render(
    <QueryClientProvider
      client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}
    >
      <ToastProvider>
        <Router hook={memoryLocation({ path: address }).hook}>
          <RoomRoutes />
        </Router>
      </ToastProvider>
    </QueryClientProvider>,
  );
  return asked;
}

/** What the server writes into the page. */
function written(name: string, content: string) {
  const meta = document.createElement('meta');
  meta.name = name;
  meta.content = content;
  document.head.append(meta);
  onTestFinished(() => meta.remove());
}

const helps = () => screen.findByRole('heading', { name: 'There is no room with this name' });
const field = () => screen.getByLabelText<HTMLInputElement>('The room’s name');

test('a room’s name is the same in any case', async () => {
  const asked = openAt('/ACME');
  await helps();
  expect(asked).toEqual(['acme']);
});

test('without a name it is the home room’s page', async () => {
  written('pulsestage-home', 'town-hall');
  const asked = openAt('/');
  await helps();
  expect(asked).toEqual(['town-hall']);
});

test('without a home of its own, the home is the default room', async () => {
  const asked = openAt('/');
  await helps();
  expect(asked).toEqual(['default']);
});

test.each([
  ['/acme/x', 'acme/x', 'acme'],
  ['/Acme%20Town%20Hall', 'Acme Town Hall', 'acme-town-hall'],
  ['/acme.', 'acme.', 'acme'],
  ['/Москва', 'Москва', ''],
])('%s is no room, and what was meant is one tap away', async (address, shown, guess) => {
  const asked = openAt(address);
  await helps();
  expect(screen.getByText(shown)).toBeTruthy();
  expect(asked).toEqual([]);
  expect(field().value).toBe(guess);
});

test('the form leads to the room that was typed', async () => {
  const asked = openAt('/acmee');
  await helps();
  const open = screen.getByRole<HTMLButtonElement>('button', { name: 'Open the room' });
  expect(field().value).toBe('acmee');
  expect(open.disabled).toBe(true);
  await userEvent.clear(field());
  await userEvent.type(field(), 'Acme');
  await userEvent.click(open);
  expect(asked).toEqual(['acmee', 'acme']);
});

test('a way leads to the main room', async () => {
  const asked = openAt('/acme/x');
  await helps();
  await userEvent.click(screen.getByRole('link', { name: 'Go to the main room' }));
  expect(asked).toEqual(['default']);
});
