import { render, screen } from '@testing-library/react';
import { beforeEach, expect, test, vi } from 'vitest';
import { Boundary } from './Boundary';

function Part({ fails }: { fails: boolean }) {
  if (fails) throw new Error('This part is broken');
  return <p>Fine</p>;
}

beforeEach(() => void vi.spyOn(console, 'error').mockReturnValue());

const page = (fails: boolean, of: string) => (
  <>
    <p>Beside</p>
    <Boundary of={of} fallback={<p>Sorry</p>}>
      <Part fails={fails} />
    </Boundary>
  </>
);

test('a failure in a render stays in its part of the page', () => {
  render(page(true, 'a'));
  expect(screen.getByText('Sorry')).toBeTruthy();
  expect(screen.getByText('Beside')).toBeTruthy();
  expect(console.error).toHaveBeenCalled();
});

test('something else to render is worth another try', () => {
  const { rerender } = render(page(true, 'a'));
  rerender(page(false, 'a'));
  expect(screen.getByText('Sorry')).toBeTruthy();
  rerender(page(false, 'b'));
  expect(screen.getByText('Fine')).toBeTruthy();
});
