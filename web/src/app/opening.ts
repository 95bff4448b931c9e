/**
 * From a name to an open room: who am I, which room is it, and its stream. Needs no React, so that a room can be opened
 * while the code that shows it is still on its way.
 */
import { ApiError, createApi, rootPath, type Api } from '../api';
import {
  browserEnvironment,
  browserSharing,
  createConnection,
  createLiveClient,
  createSharedFeed,
  streamUrl,
  type Handlers,
  type LiveClient,
} from '../live';
import type { Session, Tenant } from '../wire';
import { takeSignInToken } from './signIn';

export interface OpenRoom {
  api: Api;
  session: Session;
  /** Why the sign-in link did not work; the room opens all the same. */
  refusal: ApiError | null;
  tenant: Tenant;
  /** Started. */
  client: LiveClient;
}

let early: { slug: string; room: Promise<OpenRoom> } | null = null;

/** Opens the room that will be asked for first. */
export function openEarly(slug: string): void {
  const room = openRoom(slug);
  room.catch(() => {}); // whoever asks for the room learns it
  early = { slug, room };
}

/** The room that was opened early, once, or else one that is opened now. Its stream ends if `signal` aborts meanwhile. */
export async function takeRoom(slug: string, signal?: AbortSignal): Promise<OpenRoom> {
  const first = early;
  early = null;
  if (first !== null && first.slug !== slug) first.room.then(close, () => {});
  const room = await (first?.slug === slug ? first.room : openRoom(slug));
  if (signal?.aborted) close(room);
  return room;
}

function close({ client }: OpenRoom): void {
  client.stop();
}

async function openRoom(slug: string): Promise<OpenRoom> {
  let client: LiveClient | null = null;
  const api = createApi(rootPath(), slug, { onNews: (news) => client?.noteRequest(news) });
  const tenant = api.tenant();
  tenant.catch(() => {}); // awaited below, unless the session fails first
  // The stream waits for the session, which brings the cookie by which it knows whose votes are whose.
  const { session, refusal } = await openSession(api, slug);
  client = openClient(slug, session);
  client.start();
  try {
    return { api, session, refusal, tenant: await tenant, client };
  } catch (reason) {
    client.stop();
    throw reason;
  }
}

/** Tokens of sign-in links, by room, until the server has seen them: each works once. */
const unspent = new Map<string, string>();

/** Signs in with the link's token, if there is one, or else asks who this browser is already. */
async function openSession(api: Api, slug: string): Promise<Pick<OpenRoom, 'session' | 'refusal'>> {
  const token = takeSignInToken(window) ?? unspent.get(slug);
  if (token === undefined) return { session: await api.session(), refusal: null };
  unspent.set(slug, token);
  try {
    const session = await api.signIn(token);
    unspent.delete(slug);
    return { session, refusal: null };
  } catch (reason) {
    if (!(reason instanceof ApiError) || reason.status !== 403) throw reason;
    unspent.delete(slug);
    return { session: await api.session(), refusal: reason };
  }
}

/** The live client of a room: with a share in this browser's one stream where it can, else with its own. */
function openClient(slug: string, { role, isGuest }: Session): LiveClient {
  const root = rootPath();
  const environment = browserEnvironment();
  const sharing = browserSharing(environment);
  const url = (cursor: string | null) => streamUrl(root, slug, cursor);
  const connect = (handlers: Handlers) => createConnection({ url, environment, handlers });
  if (sharing === null) return createLiveClient(environment, connect);
  // Another role sees other events, so it is another stream.
  const name = `pulsestage:${root}/${slug}:${isGuest ? 'guest ' : ''}${role}`;
  return createLiveClient(environment, (handlers) =>
    createSharedFeed({ name, environment, sharing, handlers, connect }),
  );
}
