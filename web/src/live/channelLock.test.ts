import { beforeEach, expect, test, vi } from 'vitest';
import { FakeBrowser } from '../test/fakeBrowser';
import { FakeEnvironment } from '../test/fakeEnvironment';
import type { Sharing } from './sharing';

let browser: FakeBrowser;

beforeEach(() => {
  browser = new FakeBrowser();
});

/** A tab that wants the lock; `chance` decides how long it waits for objections. */
function openTab(tab: number, { chance = 0, time = 0 } = {}) {
  const world = new FakeEnvironment();
  world.chance = chance;
  world.time += time;
  const { requestLock } = browser.sharingWithoutLocks(tab, world);
  let release = () => {};
  const hold = vi.fn(() => new Promise<void>((resolve) => (release = resolve)));
  const ends: string[] = [];
  const wait = new AbortController();
  return {
    world,
    hold,
    ends,
    abort: () => wait.abort(),
    release: () => release(),
    request(options: Parameters<Sharing['requestLock']>[1] = wait) {
      requestLock('acme', options, hold).then(
        () => ends.push('released'),
        (reason: unknown) => ends.push(String(reason)),
      );
    },
    async pass(ms: number) {
      world.pass(ms);
      await browser.settle();
    },
  };
}

test.each([
  [0, 150],
  [1, 225],
])('a lone tab takes the lock after a moment, which chance spreads: %d', async (chance, ms) => {
  const tab = openTab(0, { chance });
  tab.request();
  await tab.pass(ms - 1);
  expect(tab.hold).not.toHaveBeenCalled();
  await tab.pass(1);
  expect(tab.hold).toHaveBeenCalledOnce();
  expect(tab.ends).toEqual([]);
});

test('a second tab waits until the first frees the lock', async () => {
  const [first, second] = [openTab(0), openTab(1)];
  first.request();
  await first.pass(150);
  second.request();
  await browser.settle();
  await second.pass(60_000);
  expect(second.hold).not.toHaveBeenCalled();
  first.release();
  await browser.settle();
  expect(first.ends).toEqual(['released']);
  await second.pass(150);
  expect(second.hold).toHaveBeenCalledOnce();
});

test('a tab that gives up waiting takes nothing and says nothing', async () => {
  const [first, second, third] = [openTab(0), openTab(1), openTab(2)];
  first.request();
  await first.pass(150);
  second.request();
  await browser.settle();
  second.abort();
  await browser.settle();
  expect(second.ends).toEqual(['Error: The request for the lock was aborted']);
  first.release();
  await browser.settle();
  await second.pass(60_000);
  third.request();
  await second.pass(60_000);
  third.abort();
  await third.pass(60_000);
  expect([second, third].map(({ hold }) => hold.mock.calls.length)).toEqual([0, 0]);
});

test('a tab that holds the lock keeps it when its wait is aborted', async () => {
  const [first, second] = [openTab(0), openTab(1)];
  first.request();
  await first.pass(150);
  first.abort();
  second.request();
  await browser.settle();
  await second.pass(60_000);
  expect(first.ends).toEqual([]);
  expect(second.hold).not.toHaveBeenCalled();
});

test('a stolen lock is the thief’s at once, and the end of the first tab changes nothing', async () => {
  const [first, thief, third] = [openTab(0), openTab(1, { time: 1 }), openTab(2)];
  first.request();
  await first.pass(150);
  thief.world.time = first.world.time + 1;
  thief.request({ steal: true });
  expect(thief.hold).toHaveBeenCalledOnce();
  await browser.settle();
  expect(first.ends).toEqual(['Error: Another tab has stolen the lock']);
  browser.sent.length = 0;
  first.release();
  await browser.settle();
  expect(browser.sent).toEqual([]);
  third.request();
  await browser.settle();
  await third.pass(60_000);
  expect(third.hold).not.toHaveBeenCalled();
  thief.release();
  await browser.settle();
  await first.pass(60_000);
  expect(first.hold).toHaveBeenCalledOnce();
});

test('a thief does not begin anew when the first tab ends before it knows of the theft', async () => {
  const [first, thief] = [openTab(0), openTab(1)];
  first.request();
  await first.pass(150);
  thief.world.time = first.world.time + 1;
  thief.request({ steal: true });
  browser.frozen.add(0);
  first.release();
  await browser.settle();
  browser.frozen.delete(0);
  await thief.pass(60_000);
  expect(first.ends).toEqual(['released']);
  expect(thief.hold).toHaveBeenCalledOnce();
  expect(thief.ends).toEqual([]);
});

test.each([
  ['the later one', { time: 1 }, 1],
  ['the later one', { time: -1 }, 0],
  ['one of them, of two at the same time,', { chance: 0.5 }, 1],
])('of two tabs that took the lock at once, %s keeps it: %j', async (_, options, keeper) => {
  const both = [openTab(0), openTab(1, options)];
  for (const tab of both) tab.request({ steal: true });
  await browser.settle();
  expect(both.map(({ ends }) => ends.length)).toEqual(keeper === 1 ? [1, 0] : [0, 1]);
});

test('a tab that hears that the lock is free while it waits waits anew, and takes it once', async () => {
  const [first, second] = [openTab(0), openTab(1)];
  browser.frozen.add(0);
  first.request();
  first.world.pass(150);
  second.request();
  await second.pass(149);
  first.release();
  await browser.settle();
  await second.pass(149);
  expect(second.hold).not.toHaveBeenCalled();
  await second.pass(1);
  expect(second.hold).toHaveBeenCalledOnce();
  expect(second.world.timerCount).toBe(0);
  await second.pass(60_000);
  expect(second.hold).toHaveBeenCalledOnce();
});
