/**
 * A lock that one of several tabs holds, made of a channel between them. Web Locks need HTTPS or localhost, and rooms are
 * also opened at `http://<name>:<port>`; channels work there too, and on phones, which have no SharedWorker.
 *
 * A tab that wants the lock asks for it, and takes it if no other tab objects within a moment. If two tabs take it at once
 * they hear of each other, and the later one keeps it; stealing works the same way. A tab that crashes can't free the
 * lock: its followers notice that it doesn't answer (`leader.ts`), and steal the lock.
 */
import type { Environment } from './environment';
import type { Channel, Sharing } from './sharing';

/** How long the tab that holds the lock may take to object. */
export const objectionLimit = 150;

export type LockMessage =
  /** "I want the lock. Does any tab hold it?" */
  | { kind: 'want' }
  /** "I have held the lock since then." */
  | { kind: 'held'; by: string; since: number }
  /** "I hold the lock no longer." */
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
          reject(new Error('Another tab has stolen the lock'));
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
        reject(new Error('The request for the lock was aborted'));
      });
      attempt();
    });
}
