import { afterEach, expect, test, vi } from 'vitest';
import { FakeEnvironment } from '../test/fakeEnvironment';
import { browserSharing } from './sharing';

let names: string[] = [];

class NamedChannel {
  onmessage = null;
  postMessage = () => {};
  close = () => {};
  constructor(name: string) {
    names.push(name);
  }
}

afterEach(() => {
  names = [];
  Reflect.deleteProperty(navigator, 'locks');
  vi.unstubAllGlobals();
});

const hold = () => Promise.resolve();

test('without channels between tabs there is nothing to share', () => {
  vi.stubGlobal('BroadcastChannel', undefined);
  expect(browserSharing(new FakeEnvironment())).toBeNull();
});

test('the lock is the browser’s where it has one', async () => {
  vi.stubGlobal('BroadcastChannel', NamedChannel);
  const request = vi.fn(() => Promise.resolve('done'));
  Object.defineProperty(navigator, 'locks', { value: { request }, configurable: true });
  const sharing = browserSharing(new FakeEnvironment());
  expect(await sharing?.requestLock('acme', { steal: true }, hold)).toBe('done');
  expect(request).toHaveBeenCalledExactlyOnceWith('acme', { steal: true }, hold);
  expect(sharing?.openChannel('acme')).toBeInstanceOf(NamedChannel);
  expect(names).toEqual(['acme']);
});

test('elsewhere the lock is made of a channel of its own', async () => {
  vi.stubGlobal('BroadcastChannel', NamedChannel);
  await browserSharing(new FakeEnvironment())?.requestLock('acme', { steal: true }, hold);
  expect(names).toEqual(['acme:lock']);
});
