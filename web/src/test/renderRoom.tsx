/** A part of a room on a page, with everything around it under the test's control. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, render } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import type { Api } from '../api';
import { createLiveClient } from '../live/client';
import { createConnection, streamUrl } from '../live/connection';
import { RoomProvider } from '../room';
import { ToastProvider } from '../ui/Toasts';
import type { Question, Session, Tag, Team } from '../wire';
import { FakeEnvironment } from './fakeEnvironment';
import { fakeApi, sayRoom } from './fakeRoom';

export interface RoomOptions {
  api?: Partial<Api>;
  can?: Session['can'];
  questions?: Question[];
  teams?: Team[];
  tags?: Tag[];
  longest?: number;
}

export function renderRoom(ui: ReactNode, options: RoomOptions = {}) {
  const world = new FakeEnvironment();
  const client = createLiveClient(world, (handlers) =>
    createConnection({ url: (from) => streamUrl('', 'acme', from), environment: world, handlers }),
  );
  const can = options.can ?? ['ask', 'vote'];
  const page = render(
    <QueryClientProvider client={new QueryClient()}>
      <ToastProvider>
        <RoomProvider
          api={fakeApi({
            similar: () => Promise.resolve([]),
            ...options.api,
          })}
          client={client}
          session={{ tenantId: 'T', tenantSlug: 'acme', role: 'member', isGuest: true, can }}
          tenant={{
            id: 'T',
            slug: 'acme',
            name: 'Acme',
            settings: { questionMinLength: 3, questionMaxLength: options.longest ?? 2000 },
          }}
        >
          {ui}
        </RoomProvider>
      </ToastProvider>
    </QueryClientProvider>,
  );
  act(() => sayRoom(world, options.questions ?? [], options.teams, options.tags));
  return { world, client, user: userEvent.setup({ delay: null }), ...page };
}
