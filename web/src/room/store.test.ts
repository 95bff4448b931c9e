import { expect, test, vi } from 'vitest';
import { createStore } from './store';

test('tells its listeners of a change, and of nothing else', () => {
  const store = createStore({ n: 1 });
  const listener = vi.fn();
  const leave = store.subscribe(listener);
  store.update((it) => it);
  expect(listener).not.toHaveBeenCalled();
  store.update(() => ({ n: 2 }));
  expect(store.get()).toEqual({ n: 2 });
  expect(listener).toHaveBeenCalledOnce();
  leave();
  store.update(() => ({ n: 3 }));
  expect(store.get()).toEqual({ n: 3 });
  expect(listener).toHaveBeenCalledOnce();
});

test('a listener that comes or goes while others are told disturbs nobody', () => {
  const store = createStore(0);
  const heard: string[] = [];
  const leaveFirst = store.subscribe(() => {
    heard.push('first');
    leaveFirst();
    store.subscribe(() => heard.push('late'));
  });
  store.subscribe(() => heard.push('second'));
  store.update((n) => n + 1);
  expect(heard).toEqual(['first', 'second']);
});
