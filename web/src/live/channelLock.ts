/**
 * A lock that one of several tabs holds, out of nothing but a channel between them. Web Locks need HTTPS or localhost,
 * and many a room is opened at `http://<name>:<port>`; channels work there too, and on phones, which have no SharedWorker.
 *
 * Who wants the lock asks, and takes it if nobody says within a moment that they hold it. Should two take it at once,
 * they hear of each other, and the later one keeps it; that is also how a lock is stolen. A holder that vanished without
 * a word is found out by whoever relies on it (`leader.ts`), and robbed.
 */
import type { Environment } from './environment';
import type { Channel, Sharing } from './sharing';

/** How long a holder may take to say so. */
export const objectionLimit = 150;

export type LockMessage =
  /** "I want it. Does anybody hold it?" */
  | { kind: 'want' }
  /** "I have held it since then." */
  | { kind: 'held'; by: string; since: number }
  | { kind: 'free' };

interface Held {
  by: string;
  since: number;
}

const isLater = (one: Held, other: Held) =>
  one.since === other.since ? one.by > other.by : one.since > other.since;

export function channelLock(
  openChannel: (name: string) => Channel<LockMessage>,
  { now, random, after }: Pick<Environment, 'now' | 'random' | 'after'>,
): Sharing['requestLock'] {
  const by = `${now()} ${random()}`;

  return (name, options, hold) =>
    new Promise((resolve, reject) => {
      const channel = openChannel(name);
      let mine: Held | null = null;
      let cancelAttempt = () => {};

      function leave() {
        cancelAttempt();
        channel.close();
      }

      function attempt() {
        cancelAttempt();
        channel.postMessage({ kind: 'want' });
        cancelAttempt = after(objectionLimit * (1 + random() / 2), take);
      }

      function take() {
        mine = { by, since: now() };
        channel.postMessage({ kind: 'held', ...mine });
        void hold().then(() => {
          if (mine === null) return;
          channel.postMessage({ kind: 'free' });
          leave();
          resolve(undefined);
        });
      }

      channel.onmessage = ({ data }) => {
        if (data.kind === 'free' && mine === null) attempt();
        if (data.kind === 'want' && mine !== null) channel.postMessage({ kind: 'held', ...mine });
        if (data.kind !== 'held') return;
        if (mine === null) {
          cancelAttempt();
        } else if (isLater(data, mine)) {
          mine = null;
          leave();
          reject(new Error('Another tab has taken the lock'));
        } else {
          channel.postMessage({ kind: 'held', ...mine });
        }
      };

      if ('steal' in options) {
        take();
        return;
      }
      options.signal.addEventListener('abort', () => {
        if (mine !== null) return;
        leave();
        reject(new Error('Nobody waits for the lock any more'));
      });
      attempt();
    });
}
