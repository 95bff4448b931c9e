/** The live room for React. The only place where the stream client and React meet. */
import { createContext, useContext, useEffect, useSyncExternalStore, type ReactNode } from 'react';
import type { LiveClient, LiveRoom } from '../live';

const ClientContext = createContext<LiveClient | null>(null);

/** Keeps the client's stream open as long as it is on the page. */
export function SSEProvider({ client, children }: { client: LiveClient; children: ReactNode }) {
  useEffect(() => {
    client.start();
    return () => client.stop();
  }, [client]);
  return <ClientContext value={client}>{children}</ClientContext>;
}

export function useSSE(): LiveRoom {
  const client = useContext(ClientContext);
  if (client === null) throw new Error('useSSE needs an SSEProvider above it');
  return useSyncExternalStore(client.subscribe, client.getSnapshot);
}
