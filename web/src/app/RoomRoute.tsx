/** The room of a name, from the first request to the page. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { ApiError, type Api } from '../api';
import { RoomProvider } from '../room';
import { Button } from '../ui/Button';
import { MessagePage } from '../ui/Page';
import { useShowToast } from '../ui/Toasts';
import { NoSuchRoom } from './NoSuchRoom';
import { takeRoom } from './opening';
import { RoomPage } from './RoomPage';

export function Room({ slug }: { slug: string }) {
  const queries = useQueryClient();
  const showToast = useShowToast();
  const roomKey = ['room', slug];
  const room = useQuery({
    queryKey: roomKey,
    queryFn: ({ signal }) => takeRoom(slug, signal),
    structuralSharing: false, // a client is no data
    staleTime: Infinity,
  });

  const refusal = room.data?.refusal;
  useEffect(() => {
    if (refusal) showToast({ tone: 'problem', text: `${refusal.error}. ${refusal.detail}` });
  }, [refusal, showToast]);

  const name = room.data?.tenant.name;
  useEffect(() => {
    document.title = name === undefined ? 'PulseStage' : `${name} · PulseStage`;
  }, [name]);

  async function signOut(api: Api) {
    try {
      await api.signOut();
      await queries.invalidateQueries({ queryKey: roomKey });
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      showToast({ tone: 'problem', text: `Still signed in: ${reason.detail}` });
    }
  }

  const error = room.error;
  if (error instanceof ApiError && error.status === 404) return <NoSuchRoom name={slug} />;
  if (error) {
    return (
      <MessagePage title="The room can’t be opened">
        <p className="text-muted">{error instanceof ApiError ? error.detail : error.message}</p>
        <Button look="filled" onClick={() => void room.refetch()}>
          Try again
        </Button>
      </MessagePage>
    );
  }
  if (!room.data) return <Opening failed={room.failureCount > 0} />;

  const { api, client, session, tenant } = room.data;
  return (
    // Another role sees other things: begin again from nothing.
    <RoomProvider
      key={`${session.role} ${session.isGuest}`}
      api={api}
      client={client}
      session={session}
      tenant={tenant}
    >
      <RoomPage onSignOut={() => void signOut(api)} />
    </RoomProvider>
  );
}

function Opening({ failed }: { failed: boolean }) {
  return (
    <MessagePage title="Opening the room…">
      <p role="status" className="text-muted">
        {failed ? 'The server has not answered yet. Trying again…' : 'One moment.'}
      </p>
    </MessagePage>
  );
}
