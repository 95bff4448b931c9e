import { beforeEach, describe, expect, test } from 'vitest';
import { FakeBrowser } from '../test/fakeBrowser';
import { FakeEnvironment } from '../test/fakeEnvironment';
import { question } from '../test/questions';
import { createLiveClient, type LiveClient } from './client';
import { createConnection, streamUrl } from './connection';
import { createSharedFeed } from './leader';
import type { Sharing } from './sharing';

interface Tab {
  world: FakeEnvironment;
  client: LiveClient;
}

let browser: FakeBrowser;
let tabs: Tab[];

function sharedClient(world: FakeEnvironment, sharing: Sharing): LiveClient {
  return createLiveClient(world, (handlers) =>
    createSharedFeed({
      name: 'acme',
      environment: world,
      sharing,
      handlers,
      connect: (inner) =>
        createConnection({
          url: (cursor) => streamUrl('', 'acme', cursor),
          environment: world,
          handlers: inner,
        }),
    }),
  );
}

test('a tab that is refused the lock has a stream of its own', async () => {
  let requests = 0;
  browser = new FakeBrowser();
  const world = new FakeEnvironment();
  const client = sharedClient(world, {
    ...browser.sharing(0),
    requestLock() {
      requests += 1;
      // The limit ends a test that would otherwise ask for ever.
      if (requests > 20) return new Promise(() => {});
      return Promise.reject(new DOMException('Access is denied', 'SecurityError'));
    },
  });
  client.start();
  await browser.settle();
  expect(requests).toBe(1);
  expect(world.streams).toHaveLength(1);
  client.stop();
  await browser.settle();
  expect(world.newest.closed).toBe(true);
  expect(world.timerCount).toBe(0);
});

describe.each(['Web Locks', 'a channel'] as const)('over %s', (kind) => {
  async function openTab(world = new FakeEnvironment()): Promise<Tab> {
    world.chance = 0.1 + 0.1 * tabs.length;
    const sharing =
      kind === 'Web Locks'
        ? browser.sharing(tabs.length)
        : browser.sharingWithoutLocks(tabs.length, world);
    const client = sharedClient(world, sharing);
    const tab = { world, client };
    tabs.push(tab);
    client.start();
    await settle();
    return tab;
  }

  /** Lets messages arrive, and those that wait for the lock wait long enough. */
  async function settle() {
    await browser.settle();
    if (kind === 'Web Locks') return;
    for (const [tab, { world }] of tabs.entries()) if (!browser.frozen.has(tab)) world.pass(250);
    await browser.settle();
  }

  beforeEach(() => {
    browser = new FakeBrowser();
    tabs = [];
  });

  const openStreams = () =>
    tabs.flatMap(({ world }) => world.streams).filter((stream) => !stream.closed).length;
  const votes = ({ client }: Tab) => client.getSnapshot().room.questions.get('a')?.upvotes;
  const status = ({ client }: Tab) => client.getSnapshot().status;

  async function join({ world }: Tab) {
    world.newest.say('connected', undefined, 'e.0');
    const data = { questions: [question('a', { hasUpvoted: true })], tags: [], teams: [] };
    world.newest.say('snapshot', data, 'e.10');
    await settle();
  }

  async function vote({ world }: Tab, seq: number, upvotes: number) {
    world.newest.say('question:upvoted', { questionId: 'a', upvotes }, `e.${seq}`);
    await settle();
  }

  async function pass(ms: number, ...some: Tab[]) {
    // In small steps, so that answers arrive while time passes, as they do.
    for (let done = 0; done < ms; done += 500) {
      for (const { world } of some) world.pass(500);
      await browser.settle();
    }
    await settle();
  }

  async function three() {
    const [a, b, c] = [await openTab(), await openTab(), await openTab()];
    await join(a);
    return [a, b, c] as const;
  }

  describe('one stream', () => {
    test('whatever the number of tabs, and all of them live', async () => {
      const first = await openTab();
      for (let n = 1; n < 8; n += 1) await openTab();
      expect(openStreams()).toBe(1);
      await join(first);
      expect(tabs.map(status)).toEqual(Array(8).fill('live'));
      expect(tabs.map(votes)).toEqual(Array(8).fill(0));
    });

    test('feeds every tab, own parts included', async () => {
      const all = await three();
      await vote(all[0], 11, 7);
      expect(all.map(votes)).toEqual([7, 7, 7]);
      expect(all[2].client.getSnapshot().room.questions.get('a')?.hasUpvoted).toBe(true);
    });

    test('a tab that opens later is told everything', async () => {
      const [a] = await three();
      await vote(a, 11, 7);
      const late = await openTab();
      expect(votes(late)).toBe(7);
      expect(status(late)).toBe('live');
      expect(openStreams()).toBe(1);
    });

    test('what a person does in one tab is seen in all', async () => {
      const [, b, c] = await three();
      c.client.merge(question('mine', { isMine: true }), 'e.11');
      await settle();
      expect(b.client.getSnapshot().room.questions.get('mine')?.isMine).toBe(true);
      b.client.mergeRemoval('mine', 'e.12');
      await settle();
      expect(c.client.getSnapshot().room.questions.has('mine')).toBe(false);
    });

    test('followers see how the leader’s stream is', async () => {
      const [a, b] = await three();
      a.world.newest.break();
      await settle();
      expect(status(b)).toBe('catching-up');
    });

    test('a reset reaches every tab', async () => {
      const all = await three();
      all[0].world.newest.say('reset', { reason: 'unknown-position' });
      const data = { questions: [question('z')], tags: [], teams: [] };
      all[0].world.newest.say('snapshot', data, 'f.1');
      await settle();
      for (const tab of all) {
        expect([...tab.client.getSnapshot().room.questions.keys()]).toEqual(['z']);
      }
    });
  });

  describe('succession', () => {
    test('when the leader goes, the next goes on from where its room is', async () => {
      const [a, b, c] = await three();
      await vote(a, 11, 7);
      a.client.stop();
      await settle();
      expect(openStreams()).toBe(1);
      expect(b.world.newest.url).toContain('lastEventId=e.11');
      expect([b, c].map(status)).toEqual(['catching-up', 'catching-up']);
      b.world.newest.say('connected', undefined, 'e.11');
      await vote(b, 12, 8);
      expect([b, c].map(votes)).toEqual([8, 8]);
      expect([b, c].map(status)).toEqual(['live', 'live']);
    });

    test('a frozen leader is replaced, and follows when it thaws', async () => {
      const [a, b, c] = await three();
      browser.frozen.add(0);
      await pass(10_000 + 4000, b);
      expect(b.world.streams).toHaveLength(1);
      expect(b.world.newest.url).toContain('lastEventId=e.10');
      b.world.newest.say('connected', undefined, 'e.10');
      await vote(b, 11, 5);
      browser.frozen.delete(0);
      await settle();
      expect(openStreams()).toBe(1);
      await vote(b, 12, 6);
      expect([a, b, c].map(votes)).toEqual([6, 6, 6]);
    });

    test.each([
      [0, 2000],
      [1, 3000],
    ])(
      'a leader has 2 s to answer a tab that is looked at again, spread by chance: %d',
      async (chance, ms) => {
        const [, b] = await three();
        b.world.chance = chance;
        browser.frozen.add(0);
        b.world.signal('visible');
        b.world.pass(ms - 1);
        await browser.settle();
        expect(b.world.streams).toHaveLength(0);
        b.world.pass(1);
        await browser.settle();
        expect(b.world.streams).toHaveLength(1);
      },
    );

    test('a tab that is left before the leader had to answer takes nothing away', async () => {
      const [, b] = await three();
      browser.frozen.add(0);
      b.world.signal('visible');
      b.world.pass(1000);
      b.world.signal('hidden');
      await pass(60_000, b);
      expect(b.world.streams).toHaveLength(0);
    });

    test('a frozen leader is replaced by a tab that has just been opened', async () => {
      const [, b, c] = await three();
      for (const { client } of [b, c]) client.stop();
      await settle();
      browser.frozen.add(0);
      const late = await openTab();
      await pass(3500, late);
      expect(late.world.streams).toHaveLength(1);
    });

    test('a leader that answers keeps its place', async () => {
      const [, b, c] = await three();
      await pass(60_000, b, c);
      expect(b.world.streams).toHaveLength(0);
      expect(c.world.streams).toHaveLength(0);
    });

    test('a tab that nobody looks at takes nothing away', async () => {
      const [, b] = await three();
      b.world.signal('hidden');
      browser.frozen.add(0);
      await pass(60_000, b);
      expect(b.world.streams).toHaveLength(0);
      b.world.signal('visible');
      await pass(4000, b);
      expect(b.world.streams).toHaveLength(1);
    });

    test('a hidden leader keeps its place while its stream is live', async () => {
      const [a, b] = await three();
      a.world.signal('hidden');
      for (let n = 0; n < 6; n += 1) {
        a.world.newest.say('heartbeat');
        await pass(10_000, a, b);
      }
      expect(a.world.streams).toHaveLength(1);
      expect(b.world.streams).toHaveLength(0);
    });

    test('a hidden leader that lost its stream is replaced by a tab that is looked at', async () => {
      const [a, b] = await three();
      a.world.signal('hidden');
      a.world.newest.break();
      await settle();
      await pass(4000, b);
      expect(b.world.streams).toHaveLength(1);
      expect(openStreams()).toBe(1);
    });

    test('a tab that was opened in the background takes nothing away', async () => {
      const [a] = await three();
      const world = new FakeEnvironment();
      world.isHidden = true;
      const b = await openTab(world);
      browser.frozen.add(0);
      expect(status(b)).toBe('live');
      await pass(60_000, b);
      expect(b.world.streams).toHaveLength(0);
      expect(openStreams()).toBe(1);
      expect(a.world.newest.closed).toBe(false);
    });

    test('a leader in the background says that nobody looks at it', async () => {
      const world = new FakeEnvironment();
      world.isHidden = true;
      const a = await openTab(world);
      const b = await openTab();
      await join(a);
      a.world.newest.break();
      await settle();
      await pass(4000, b);
      expect(b.world.streams).toHaveLength(1);
    });

    test('a request of a follower that gets no answer lets the leader look at its stream', async () => {
      const [a, b] = await three();
      a.world.pass(1000);
      b.world.pass(1000);
      b.client.noteRequest({ kind: 'unanswered', request: 1, sentAt: b.world.time });
      await settle();
      expect(a.world.streams).toHaveLength(2);
      expect([a, b].map(status)).toEqual(['checking', 'checking']);
    });

    test('a leader whose timers sleep looks at its stream when it is asked', async () => {
      const [a, b] = await three();
      a.world.sleep(60_000);
      await pass(10_000, b);
      expect(a.world.streams).toHaveLength(2);
      expect(status(b)).toBe('checking');
    });

    test('all tabs know the server’s clock', async () => {
      const a = await openTab();
      const b = await openTab();
      const wrong = { timestamp: a.world.time + 7_200_000 };
      a.world.newest.say('connected', undefined, 'e.0', wrong);
      a.world.newest.say('snapshot', { questions: [], tags: [], teams: [] }, 'e.10');
      await settle();
      for (const { client } of [a, b]) expect(client.getSnapshot().ahead).toBe(7_200_000);
    });

    test('a leader that is looked at may take its time to reconnect', async () => {
      const [a, b] = await three();
      a.world.newest.break();
      await settle();
      await pass(30_000, b);
      expect(b.world.streams).toHaveLength(0);
    });

    test('a page in the page cache leads nobody', async () => {
      const [a, b] = await three();
      a.world.signal('stored');
      await settle();
      expect(a.world.newest.closed).toBe(true);
      expect(b.world.streams).toHaveLength(1);
      a.world.signal('shown');
      await settle();
      expect(openStreams()).toBe(1);
      b.world.newest.say('connected', undefined, 'e.10');
      await vote(b, 11, 3);
      expect(votes(a)).toBe(3);
    });
  });

  describe('losses', () => {
    test('a follower that missed an event asks for everything', async () => {
      const [a, b] = await three();
      browser.frozen.add(1);
      await vote(a, 11, 1);
      browser.loseMessages();
      browser.frozen.delete(1);
      a.world.newest.say('tags:changed', { tags: [] }, 'e.12');
      await settle();
      expect(votes(b)).toBe(1);
      expect(b.client.getSnapshot().room.position).toEqual({ epoch: 'e', seq: 12 });
    });

    test('one that missed the last event notices with the next ping', async () => {
      const [a, b] = await three();
      browser.frozen.add(1);
      await vote(a, 11, 1);
      browser.loseMessages();
      browser.frozen.delete(1);
      await pass(10_000, b);
      expect(votes(b)).toBe(1);
    });

    test('followers that miss nothing ask only once', async () => {
      const [a] = await three();
      const asked = browser.sent.filter((kind) => kind === 'ask').length;
      await vote(a, 11, 1);
      await vote(a, 12, 2);
      expect(browser.sent.filter((kind) => kind === 'ask')).toHaveLength(asked);
    });

    test('frames about the stream itself are not passed on', async () => {
      const [a] = await three();
      browser.sent.length = 0;
      a.world.newest.say('heartbeat');
      a.world.newest.say('connected', undefined, 'e.10');
      await settle();
      expect(browser.sent).toEqual([]);
      a.world.newest.say('goodbye', { reason: 'shutdown' });
      await settle();
      expect(browser.sent).toEqual(['status']);
    });

    test('a stopped tab hears no more, and starts again as a new one', async () => {
      const [a, b] = await three();
      b.client.stop();
      await vote(a, 11, 1);
      expect(votes(b)).toBe(0);
      b.world.signal('shown');
      await vote(a, 12, 2);
      expect(votes(b)).toBe(0);
      expect(b.world.timerCount).toBe(0);
      b.client.start();
      await settle();
      expect(votes(b)).toBe(2);
      browser.sent.length = 0;
      await vote(a, 13, 3);
      expect(votes(b)).toBe(3);
      expect(browser.sent).toEqual(['event']);
    });

    test('nothing is left after stop', async () => {
      const all = await three();
      for (const { client } of all) client.stop();
      await settle();
      expect(openStreams()).toBe(0);
      for (const { world } of all) expect(world.timerCount).toBe(0);
    });
  });
});
