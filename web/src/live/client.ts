/**
 * The live room: state fed by a stream and by the answers to own changes, to subscribe to.
 * Framework-free; `room/` has the React side.
 */
import type { RequestNews } from '../requestNews';
import type { Question } from '../wire';
import type { Feed, Handlers, Status } from './connection';
import type { Environment } from './environment';
import { applyOwn, type OwnChange } from './own';
import { formatPosition } from './position';
import { apply, emptyRoom, type RoomState } from './reducer';

export interface LiveRoom {
  status: Status;
  room: RoomState;
  /** By how many ms the server's clock is ahead of this machine's. */
  ahead: number;
}

/** A clock that is wrong by less doesn't show in "2 minutes ago". */
const clockStep = 1000;

export interface LiveClient {
  subscribe: (listener: () => void) => () => void;
  getSnapshot: () => LiveRoom;
  start: () => void;
  stop: () => void;
  /** Forget everything and begin again: another person may see and have other things. */
  restart: () => void;
  merge: (answer: Question, position: string | null) => void;
  mergeRemoval: (questionId: string, position: string | null) => void;
  /** Requests go the same way as the stream: what they run into says something of it. */
  noteRequest: (news: RequestNews) => void;
}

/** Makes the feed for a client: a connection of its own, or a share in another tab's. */
export type FeedMaker = (handlers: Handlers) => Feed;

export function createLiveClient(environment: Environment, makeFeed: FeedMaker): LiveClient {
  const listeners = new Set<() => void>();
  let room = emptyRoom;
  let status: Status = 'connecting';
  let ahead = 0;
  const lateRequests = new Set<number>();
  let shown: LiveRoom = { status, room, ahead };
  let scheduled = false;
  // After a reset readers keep the old room until the new one is there: an empty page for a moment helps nobody.
  let keepOld = false;

  function publish() {
    const nextRoom = keepOld ? shown.room : room;
    const next = status === 'live' && lateRequests.size > 0 ? 'checking' : status;
    if (shown.status === next && shown.room === nextRoom && shown.ahead === ahead) return;
    shown = { status: next, room: nextRoom, ahead };
    for (const listener of [...listeners]) listener();
  }

  function publishSoon() {
    if (scheduled) return;
    scheduled = true;
    environment.soon(() => {
      scheduled = false;
      publish();
    });
  }

  // Own changes are shown at once, not with the next frame.
  function takeOwn(change: OwnChange) {
    room = applyOwn(room, change);
    publish();
  }

  function own(change: OwnChange) {
    takeOwn(change);
    feed.share?.(change);
  }

  const feed = makeFeed({
    cursor: () => (room.position === null ? null : formatPosition(room.position)),
    snapshot() {
      const { position, questions, tags, teams } = room;
      if (position === null) return null;
      const data = { questions: [...questions.values()], tags: [...tags], teams: [...teams] };
      return { type: 'snapshot', data, position };
    },
    onEvent(event) {
      room = apply(room, event);
      if (event.type === 'reset') keepOld = true;
      if (event.type === 'snapshot') keepOld = false;
      publishSoon();
    },
    onOwn: takeOwn,
    onStatus(next) {
      status = next;
      publishSoon();
    },
    onClock(next) {
      if (Math.abs(next - ahead) < clockStep) return;
      ahead = next;
      publishSoon();
    },
  });

  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    getSnapshot: () => shown,
    start: () => feed.start(),
    stop: () => feed.stop(),
    restart() {
      feed.stop();
      room = emptyRoom;
      status = 'connecting';
      keepOld = false;
      publish();
      feed.start();
    },
    noteRequest({ kind, request, sentAt }) {
      if (kind === 'late') lateRequests.add(request);
      else lateRequests.delete(request);
      if (kind === 'unanswered') feed.check(sentAt);
      publishSoon();
    },
    merge: (question, position) => own({ kind: 'changed', question, position }),
    mergeRemoval: (questionId, position) => own({ kind: 'removed', questionId, position }),
  };
}
