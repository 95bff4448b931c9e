import { afterEach, expect, test, vi } from 'vitest';
import { browserEnvironment, type PageSignal } from './environment';

const environment = browserEnvironment();

afterEach(() => vi.useRealTimers());

function hide(isHidden: boolean) {
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(isHidden);
}

const happens: [PageSignal, () => void][] = [
  ['hidden', () => (hide(true), document.dispatchEvent(new Event('visibilitychange')))],
  ['visible', () => (hide(false), document.dispatchEvent(new Event('visibilitychange')))],
  ['stored', () => window.dispatchEvent(new Event('pagehide'))],
  ['shown', () => window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))],
  ['online', () => window.dispatchEvent(new Event('online'))],
  ['offline', () => window.dispatchEvent(new Event('offline'))],
];

test.each(happens)('a listener is told %s, until it leaves', (signal, happen) => {
  const heard: PageSignal[] = [];
  const leave = environment.onSignal((it) => heard.push(it));
  happen();
  expect(heard).toEqual([signal]);
  leave();
  happen();
  expect(heard).toEqual([signal]);
});

test('a page that is loaded, not taken from the page cache, is no signal', () => {
  const heard: PageSignal[] = [];
  const leave = environment.onSignal((it) => heard.push(it));
  window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false }));
  leave();
  expect(heard).toEqual([]);
});

test('knows whether somebody looks and whether there is a network', () => {
  hide(true);
  expect(environment.hidden()).toBe(true);
  hide(false);
  expect(environment.hidden()).toBe(false);
  vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
  expect(environment.online()).toBe(false);
});

test('calls after a time, unless that is cancelled', () => {
  vi.useFakeTimers();
  const [first, second] = [vi.fn(), vi.fn()];
  environment.after(1000, first);
  const cancel = environment.after(1000, second);
  vi.advanceTimersByTime(999);
  expect(first).not.toHaveBeenCalled();
  cancel();
  vi.advanceTimersByTime(1);
  expect(first).toHaveBeenCalledOnce();
  expect(second).not.toHaveBeenCalled();
});

test('soon is the next frame, or 50 ms where there are no frames', () => {
  vi.useFakeTimers();
  const frame = vi.spyOn(window, 'requestAnimationFrame').mockReturnValue(1);
  const action = vi.fn();
  hide(false);
  environment.soon(action);
  expect(frame).toHaveBeenCalledExactlyOnceWith(action);
  vi.advanceTimersByTime(1000);
  expect(action).not.toHaveBeenCalled();
  hide(true);
  environment.soon(action);
  expect(frame).toHaveBeenCalledOnce();
  vi.advanceTimersByTime(49);
  expect(action).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(action).toHaveBeenCalledOnce();
});

test('the clock and chance are the machine’s', () => {
  vi.spyOn(Date, 'now').mockReturnValue(17);
  vi.spyOn(Math, 'random').mockReturnValue(0.25);
  expect([environment.now(), environment.random()]).toEqual([17, 0.25]);
});
