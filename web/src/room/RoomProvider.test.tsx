import { act, render, screen } from '@testing-library/react';
import { useEffect, useState } from 'react';
import { expect, test } from 'vitest';
import { ApiError } from '../api';
import { deferred } from '../test/fakeRoom';
import { question } from '../test/questions';
import { renderRoom } from '../test/renderRoom';
import { useCan, usePending, useRoom, useSettleAsks } from './RoomProvider';

let actions: ReturnType<typeof useRoom>['actions'];

function Page({ view = 'popular' }: { view?: string }) {
  const { session, tenant, actions: own } = useRoom();
  useEffect(() => void (actions = own), [own]);
  const { asks } = usePending();
  const [mayAsk, mayModerate] = [useCan('ask'), useCan('moderate')];
  useSettleAsks(view);
  return `${session.role} of ${tenant.slug}: ${mayAsk} ${mayModerate}, ${asks.length} pending`;
}

function Views() {
  const [view, setView] = useState('popular');
  return (
    <>
      <button type="button" onClick={() => setView('recent')}>
        Recent
      </button>
      <Page view={view} />
    </>
  );
}

test('gives its parts the room, what its person can do, and what is pending', () => {
  renderRoom(<Page />, { api: { ask: () => new Promise(() => {}) } });
  expect(screen.getByText('member of acme: true false, 0 pending')).toBeTruthy();
  act(() => actions.ask('Why?', null));
  expect(screen.getByText(/1 pending/)).toBeTruthy();
});

test('says what failed, and what the server said', async () => {
  const refused = new ApiError(403, 'not_allowed', 'Not allowed', 'Sign in first.');
  renderRoom(<Page />, { questions: [question('a')], api: { pin: () => Promise.reject(refused) } });
  await act(() => actions.pin('a', true));
  expect(screen.getByText('Not pinned. Sign in first.')).toBeTruthy();
});

test('keeps a question that is on its way over a reload, and then looks for it', async () => {
  const first = renderRoom(<Page />, { api: { ask: () => new Promise(() => {}) } });
  act(() => actions.ask('Why?', null));
  first.unmount();
  const found = question('q', { body: 'Why?', isMine: true });
  const look = deferred<typeof found>();
  renderRoom(<Page />, { questions: [found], api: { question: () => look.promise } });
  expect(screen.getByText(/1 pending/)).toBeTruthy();
  await act(async () => {
    look.resolve(found);
    await look.promise;
  });
  expect(sessionStorage).toHaveLength(0);
});

test('a question that has arrived takes its place when the view changes', async () => {
  const value = question('q', { body: 'Why?' });
  const api = { ask: () => Promise.resolve({ value, position: 'e.11' }) };
  const page = renderRoom(<Views />, { api });
  await act(async () => {
    actions.ask('Why?', null);
    await Promise.resolve();
  });
  expect(screen.getByText(/1 pending/)).toBeTruthy();
  await page.user.click(screen.getByRole('button'));
  expect(screen.getByText(/0 pending/)).toBeTruthy();
});

test('without a provider the mistake is named', () => {
  expect(() => render(<Page />)).toThrow('useRoom needs a RoomProvider above it');
});
