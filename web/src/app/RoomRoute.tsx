/** From a name to a room: who am I, which room is it, and then its live client. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { ApiError, createApi, rootPath, type Api } from '../api';

import { RoomProvider } from '../room';
import { Button } from '../ui/Button';
import { MessagePage } from '../ui/Page';
import { useShowToast } from '../ui/Toasts';
import type { Session, Tenant } from '../wire';
import { NoSuchRoom } from './NoSuchRoom';
import { openClient } from './openClient';
import { RoomPage } from './RoomPage';
import { takeSignInToken } from './signIn';

export function Room({ slug }: { slug: string }) {
  const api = useMemo(() => createApi(rootPath(), slug), [slug]);
  const queries = useQueryClient();
  const showToast = useShowToast();
  const [token] = useState(() => takeSignInToken(window));
  const sessionKey = ['session', slug];

  // The session comes first: it brings the cookie by which the stream knows whose votes are whose.
  const session = useQuery({
    queryKey: sessionKey,
    queryFn: () => openSession(api, token),
    staleTime: Infinity,
  });
  const tenant = useQuery({
    queryKey: ['tenant', slug],
    queryFn: ({ signal }) => api.tenant(signal),
    enabled: session.isSuccess,
    staleTime: Infinity,
  });

  const refusal = session.data?.refusal;
  useEffect(() => {
    if (refusal) showToast({ tone: 'problem', text: `${refusal.error}. ${refusal.detail}` });
  }, [refusal, showToast]);

  useEffect(() => {
    document.title = tenant.data ? `${tenant.data.name} · PulseStage` : 'PulseStage';
  }, [tenant.data]);

  async function signOut() {
    try {
      await api.signOut();
      await queries.invalidateQueries({ queryKey: sessionKey });
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      showToast({ tone: 'problem', text: `Still signed in: ${reason.detail}` });
    }
  }

  const error = session.error ?? tenant.error;
  if (error instanceof ApiError && error.status === 404) return <NoSuchRoom name={slug} />;
  if (error) {
    return (
      <MessagePage title="The room can’t be opened">
        <p className="text-muted">{error instanceof ApiError ? error.detail : error.message}</p>
        <Button
          look="filled"
          onClick={() => void (session.error ? session.refetch() : tenant.refetch())}
        >
          Try again
        </Button>
      </MessagePage>
    );
  }
  if (!session.data || !tenant.data) return <Opening />;

  const me = session.data.session;
  return (
    // Another role sees other things: begin again from nothing.
    <LiveRoom
      key={`${me.role} ${me.isGuest}`}
      api={api}
      session={me}
      tenant={tenant.data}
      onSignOut={() => void signOut()}
    />
  );
}

interface LiveRoomProps {
  api: Api;
  session: Session;
  tenant: Tenant;
  onSignOut: () => void;
}

function LiveRoom({ api, session, tenant, onSignOut }: LiveRoomProps) {
  const [client] = useState(() => openClient(tenant.slug, session));
  return (
    <RoomProvider api={api} client={client} session={session} tenant={tenant}>
      <RoomPage onSignOut={onSignOut} />
    </RoomProvider>
  );
}

interface Opened {
  session: Session;
  /** Why the sign-in link did not work; the room opens all the same. */
  refusal: ApiError | null;
}

/** Signs in with the link's token, if there is one, or else asks who this browser is already. */
async function openSession(api: Api, token: string | null): Promise<Opened> {
  if (token === null || spent.has(token)) return { session: await api.session(), refusal: null };
  try {
    const session = await api.signIn(token);
    spent.add(token);
    return { session, refusal: null };
  } catch (reason) {
    if (!(reason instanceof ApiError) || reason.status !== 403) throw reason;
    spent.add(token);
    return { session: await api.session(), refusal: reason };
  }
}

/** A token works once; asking for the session again must not try it again. */
const spent = new Set<string>();

function Opening() {
  return (
    <MessagePage title="Opening the room…">
      <p role="status" className="text-muted">
        One moment.
      </p>
    </MessagePage>
  );
}
