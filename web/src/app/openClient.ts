import { rootPath } from '../api';
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
import type { Session } from '../wire';

/** The live client of a room: with a share in this browser's one stream where it can, else with its own. */
export function openClient(slug: string, { role, isGuest }: Session): LiveClient {
  const root = rootPath();
  const environment = browserEnvironment();
  const sharing = browserSharing();
  const url = (cursor: string | null) => streamUrl(root, slug, cursor);
  const connect = (handlers: Handlers) => createConnection({ url, environment, handlers });
  if (sharing === null) return createLiveClient(environment, connect);
  // Another role sees other events, so it is another stream.
  const name = `pulsestage:${root}/${slug}:${isGuest ? 'guest ' : ''}${role}`;
  return createLiveClient(environment, (handlers) =>
    createSharedFeed({ name, environment, sharing, handlers, connect }),
  );
}
