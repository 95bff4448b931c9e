import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { VotePill, type VotePillProps } from './VotePill';

function pill(props: Partial<VotePillProps> = {}) {
  const onVote = vi.fn();
  const onRefused = vi.fn();
  render(
    <VotePill
      votes={3}
      voted={false}
      pending={false}
      reason={null}
      onVote={onVote}
      onRefused={onRefused}
      {...props}
    />,
  );
  return { button: screen.getByRole('button'), onVote, onRefused };
}

test('asks for a vote, and says how many there are', async () => {
  const { button, onVote } = pill();
  expect(button.getAttribute('aria-pressed')).toBe('false');
  expect(button.getAttribute('aria-label')).toBe('Vote, 3 so far');
  await userEvent.click(button);
  expect(onVote).toHaveBeenCalledWith(true);
});

test('pressed, it takes the vote back', async () => {
  const { button, onVote } = pill({ voted: true });
  expect(button.getAttribute('aria-pressed')).toBe('true');
  await userEvent.click(button);
  expect(onVote).toHaveBeenCalledWith(false);
});

test('works by keyboard', async () => {
  const { onVote } = pill();
  await userEvent.tab();
  await userEvent.keyboard(' ');
  expect(onVote).toHaveBeenCalledOnce();
});

test('where voting is impossible it says why and does nothing', async () => {
  const { button, onVote, onRefused } = pill({ reason: 'This is your own question' });
  expect(button.getAttribute('aria-disabled')).toBe('true');
  expect(button.getAttribute('aria-label')).toContain('This is your own question');
  await userEvent.click(button);
  expect(onVote).not.toHaveBeenCalled();
  expect(onRefused).toHaveBeenCalledWith('This is your own question');
});
