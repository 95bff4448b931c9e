/**
 * What became of a change whose answer was lost. The server may have made it all the same, so nothing is sent again before
 * that is known: the stream shows the question, and a look at it says whether it, or the vote on it, is this person's.
 */
import { ApiError, type Api } from '../api';
import type { LiveClient } from '../live';
import type { Question } from '../wire';
import { arrived, updateAsk, type Ask, type Pending } from './pending';
import type { Store } from './store';

/** How long the stream, once live again, is watched for what the server had received. It may take longer. */
export const arrivalLimit = 5_000;
/** Between two looks that failed. */
const pause = 5_000;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export interface UncertainOptions {
  api: Api;
  client: LiveClient;
  pending: Store<Pending>;
}

export function createUncertain({ api, client, pending }: UncertainOptions) {
  const votes = (id: string) => client.getSnapshot().room.questions.get(id)?.upvotes;
  const isLive = () => client.getSnapshot().status === 'live';

  /** Resolves once `condition` holds, at the latest after `limit` ms. */
  function until(condition: () => boolean, limit?: number): Promise<void> {
    return new Promise((resolve) => {
      if (condition()) {
        resolve();
        return;
      }
      const stops: (() => void)[] = [];
      const done = () => {
        for (const stop of stops) stop();
        resolve();
      };
      const look = () => {
        if (condition()) done();
      };
      stops.push(client.subscribe(look), pending.subscribe(look));
      if (limit !== undefined) {
        const timer = setTimeout(done, limit);
        stops.push(() => clearTimeout(timer));
      }
    });
  }

  /** Reads from the server what is this person's about a question. Null if the question is gone. */
  async function learnOwn(id: string): Promise<Question | null> {
    for (;;) {
      await until(isLive);
      try {
        const question = await api.question(id);
        client.merge(question, null);
        return question;
      } catch (reason) {
        if (!(reason instanceof ApiError)) throw reason;
        if (reason.status === 404) return null;
        await sleep(pause);
      }
    }
  }

  const find = (key: string): Ask | undefined => pending.get().asks.find((ask) => ask.key === key);

  function echo(key: string): Question | null {
    const ask = find(key);
    return ask ? arrived(ask, client.getSnapshot().room.questions) : null;
  }

  return {
    async vote(id: string): Promise<void> {
      const read = await learnOwn(id);
      // The stream can be there before a vote that was under way is counted. The count to compare with is the one that was
      // read: the stream's can be newer when the answer arrives.
      await sleep(arrivalLimit);
      if (read && votes(id) !== read.upvotes) await learnOwn(id);
    },

    /** Ends when the question is found or discarded, or a live stream has not shown it in time. It may still arrive. */
    async ask(key: string): Promise<void> {
      while (find(key)) {
        await until(() => isLive() || !find(key));
        await until(() => echo(key) !== null || !isLive() || !find(key), arrivalLimit);
        const known = echo(key);
        if (known === null) {
          if (!isLive()) continue;
          pending.update((it) => updateAsk(it, key, { isUncertain: false }));
          return;
        }
        if ((await learnOwn(known.id))?.isMine) {
          const change = { questionId: known.id, error: null, isUncertain: false };
          pending.update((it) => updateAsk(it, key, change));
          return;
        }
        // Somebody else asked the same, and this one is still to be found.
        const before = new Set(find(key)?.before).add(known.id);
        pending.update((it) => updateAsk(it, key, { before }));
      }
    },
  };
}
