/** What tabs need to share a stream: a lock that one of them holds, and a channel that all of them hear. */
import { channelLock } from './channelLock';
import type { Status } from './connection';
import type { Environment } from './environment';
import type { StreamEvent } from './event';
import type { OwnChange } from './own';

export interface Channel<T> {
  onmessage: ((message: MessageEvent<T>) => void) | null;
  postMessage: (message: T) => void;
  close: () => void;
}

/** How a leader is. */
export interface Leader {
  /** How many events it has passed on. */
  count: number;
  status: Status;
  /** Whether nobody looks at it; its timers are slow then. */
  hidden: boolean;
  /** By how much the server's clock is ahead, if it was told. */
  ahead: number | null;
}

/** What tabs say to each other. */
export type Message =
  /** Everybody but the leader: "I know nothing, tell me everything." */
  | { kind: 'ask' }
  /** The leader: everything that it has passed on, and before. */
  | { kind: 'tell'; leader: Leader; snapshot: StreamEvent | null }
  /** The leader: one more event. A follower that missed one sees it by the count. */
  | { kind: 'event'; count: number; event: StreamEvent }
  | { kind: 'status'; leader: Leader }
  /** Anybody: what the server answered to a change of this person, who is the same in all tabs. */
  | { kind: 'own'; change: OwnChange }
  /** A follower: "A request sent then got no answer; is the stream alive?" */
  | { kind: 'check'; sentAt: number }
  /** Is the leader alive? */
  | { kind: 'ping' }
  | { kind: 'pong'; leader: Leader };

export interface Sharing {
  /** As in Web Locks: rejects when the wait is aborted, or when another tab stole the lock. */
  requestLock: (
    name: string,
    options: { signal: AbortSignal } | { steal: true },
    hold: () => Promise<void>,
  ) => Promise<unknown>;
  openChannel: (name: string) => Channel<Message>;
}

/** Null where the browser has no channels between tabs; each tab has a stream of its own then. */
export function browserSharing(environment: Environment): Sharing | null {
  if (typeof BroadcastChannel === 'undefined') return null;
  return {
    // Web Locks need HTTPS or localhost.
    requestLock:
      'locks' in navigator
        ? (name, options, hold) => navigator.locks.request(name, options, hold)
        : channelLock((name) => new BroadcastChannel(`${name}:lock`), environment),
    openChannel: (name) => new BroadcastChannel(name),
  };
}
