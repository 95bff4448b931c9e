/** One room as its parts see it: who I am, what is there, and what I can do. */
import {
  createContext,
  useContext,
  useEffect,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from 'react';
import type { Api } from '../api';
import type { LiveClient } from '../live';
import { useShowToast } from '../ui/Toasts';
import type { Action, Session, Tenant } from '../wire';
import { createActions, type Actions } from './actions';
import { settleAsks, type Pending } from './pending';
import { SSEProvider } from './SSEProvider';
import { createStore, type Store } from './store';
import { keepUnsent, unsent } from './unsent';

interface RoomContextValue {
  api: Api;
  session: Session;
  tenant: Tenant;
  actions: Actions;
  pending: Store<Pending>;
}

const RoomContext = createContext<RoomContextValue | null>(null);

export interface RoomProviderProps {
  api: Api;
  client: LiveClient;
  session: Session;
  tenant: Tenant;
  children: ReactNode;
}

export function RoomProvider({ api, client, session, tenant, children }: RoomProviderProps) {
  const showToast = useShowToast();
  const [pending] = useState(() => createStore(unsent(tenant.slug)));
  const [actions] = useState(() =>
    createActions({
      api,
      client,
      pending,
      onProblem: (what, error) =>
        showToast({
          tone: 'problem',
          text: `${what}. ${error.detail}`,
        }),
    }),
  );
  useEffect(() => {
    const stop = keepUnsent(tenant.slug, pending);
    actions.findUnsent();
    return stop;
  }, [actions, pending, tenant.slug]);
  return (
    <RoomContext value={{ api, session, tenant, actions, pending }}>
      <SSEProvider client={client}>{children}</SSEProvider>
    </RoomContext>
  );
}

export function useRoom(): RoomContextValue {
  const room = useContext(RoomContext);
  if (room === null) throw new Error('useRoom needs a RoomProvider above it');
  return room;
}

export function useCan(action: Action): boolean {
  return useRoom().session.can.includes(action);
}

export function usePending(): Pending {
  const { pending } = useRoom();
  return useSyncExternalStore(pending.subscribe, pending.get);
}

/** Lets the questions asked so far take their place among the others whenever `view` changes. */
export function useSettleAsks(view: string): void {
  const { pending } = useRoom();
  useEffect(() => () => pending.update(settleAsks), [pending, view]);
}
