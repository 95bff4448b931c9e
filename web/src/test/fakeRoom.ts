/** A live client and an API under a test's control. */
import { vi } from 'vitest';
import type { Api } from '../api';
import { createLiveClient, type LiveClient } from '../live/client';
import { createConnection, streamUrl } from '../live/connection';
import type { Question, Tag, Team } from '../wire';
import { FakeEnvironment } from './fakeEnvironment';

export interface FakeRoom {
  world: FakeEnvironment;
  client: LiveClient;
}

/** A room at position e.10, live. */
export function liveRoom(questions: Question[], teams: Team[] = [], tags: Tag[] = []): FakeRoom {
  const world = new FakeEnvironment();
  const client = createLiveClient(world, (handlers) =>
    createConnection({ url: (from) => streamUrl('', 'acme', from), environment: world, handlers }),
  );
  client.start();
  sayRoom(world, questions, teams, tags);
  return { world, client };
}

export function sayRoom(
  world: FakeEnvironment,
  questions: Question[],
  teams: Team[] = [],
  tags: Tag[] = [],
): void {
  world.newest.say('connected', undefined, 'e.0');
  world.newest.say('snapshot', { questions, tags, teams }, 'e.10');
}

/** An API that fails loudly on whatever the test did not prepare. */
export function fakeApi(prepared: Partial<Api>): Api {
  return new Proxy(prepared as Api, {
    get: (target, name: keyof Api) => {
      if (name in target) return Reflect.get(target, name) as unknown;
      return vi.fn(() => {
        throw new Error(`Nobody expected ${name}`);
      });
    },
  });
}

/** A promise to keep or break later. */
export function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
