import { screen } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { problemsOf } from '../test/axe';
import { offerReload } from './offerReload';

test('without the page’s code there is a heading, a reason, and a button to reload', async () => {
  const logged = vi.spyOn(console, 'error').mockReturnValue();
  const reason = new TypeError('Failed to fetch');
  offerReload(reason);
  expect(logged).toHaveBeenCalledWith(reason);
  expect(screen.getByRole('heading', { level: 1 }).textContent).toBe('The page can’t be loaded');
  expect(screen.getByRole('alert').textContent).toContain('Check your connection');
  expect(screen.getByRole('button', { name: 'Reload the page' })).toBeTruthy();
  expect(await problemsOf(document.body)).toEqual([]);
});
