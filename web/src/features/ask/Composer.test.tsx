import { act, fireEvent, screen } from '@testing-library/react';
import { useState } from 'react';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Api } from '../../api';
import { question } from '../../test/questions';
import { renderRoom, type RoomOptions } from '../../test/renderRoom';
import { Composer } from './Composer';

function Holder() {
  const [text, setText] = useState('');
  return <Composer text={text} onText={setText} />;
}

const label = 'What would you like to know?';

function compose(options: RoomOptions = {}) {
  const ask = vi.fn<Api['ask']>(() => new Promise(() => {}));
  const room = renderRoom(<Holder />, { ...options, api: { ask, ...options.api } });
  return { ...room, ask, input: screen.getByLabelText<HTMLTextAreaElement>(label) };
}

test('says that nobody can see who asked', () => {
  const { input } = compose();
  const note = screen.getByText('Nobody, moderators included, can see who asked');
  expect(input.getAttribute('aria-describedby')).toContain(note.id);
});

test('sends with the button, empties, and keeps the focus', async () => {
  const { user, ask, input } = compose();
  await user.type(input, '  Why not? ');
  await user.click(screen.getByRole('button', { name: 'Ask' }));
  expect(ask).toHaveBeenCalledWith('Why not?', null);
  expect(input.value).toBe('');
  expect(document.activeElement).toBe(input);
});

test('Enter sends, Shift+Enter is a new line', async () => {
  const { user, ask, input } = compose();
  await user.type(input, 'One{Shift>}{Enter}{/Shift}two{Enter}');
  expect(ask).toHaveBeenCalledWith('One\ntwo', null);
});

test('on a touch screen Enter is a new line and Ctrl+Enter sends', async () => {
  vi.spyOn(window, 'matchMedia').mockReturnValue({ matches: false } as MediaQueryList);
  const { user, ask, input } = compose();
  await user.type(input, 'One{Enter}two');
  expect(ask).not.toHaveBeenCalled();
  await user.keyboard('{Control>}{Enter}{/Control}');
  expect(ask).toHaveBeenCalledWith('One\ntwo', null);
});

test('Enter that chooses a word in an input method sends nothing', async () => {
  const { user, ask, input } = compose();
  await user.type(input, 'にほん');
  fireEvent.keyDown(input, { key: 'Enter', isComposing: true });
  expect(ask).not.toHaveBeenCalled();
});

test('too short or too long is not sent, and the counter says how much is left', async () => {
  const { user, ask, input } = compose({ longest: 20 });
  await user.type(input, 'ab{Enter}');
  expect(ask).not.toHaveBeenCalled();
  await user.clear(input);
  await user.type(input, 'x'.repeat(18));
  expect(screen.getByText('2 left')).toBeTruthy();
  await user.type(input, 'xxx');
  expect(screen.getByText('1 too many')).toBeTruthy();
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Ask' }).disabled).toBe(true);
});

test('counts what people see, as the server does, and sends nothing that nobody sees', async () => {
  const { user, ask, input } = compose({ longest: 20 });
  fireEvent.change(input, { target: { value: '👩‍👩‍👧'.repeat(8) + 'किताब'.repeat(3) } });
  expect(screen.getByText('3 left')).toBeTruthy();
  fireEvent.change(input, { target: { value: '👩‍👩‍👧‍👦'.repeat(17) } });
  expect(screen.getByText('7 too many')).toBeTruthy();
  fireEvent.change(input, { target: { value: '\u200b\u3164\u2800\u200b' } });
  await user.type(input, '{Enter}');
  expect(ask).not.toHaveBeenCalled();
});

test('the counter appears near the limit', () => {
  const { input } = compose({ longest: 300 });
  fireEvent.change(input, { target: { value: 'x'.repeat(239) } });
  expect(screen.queryByText(/left/)).toBeNull();
  fireEvent.change(input, { target: { value: 'x'.repeat(240) } });
  expect(screen.getByText('60 left')).toBeTruthy();
});

test('a question can go to one of the active teams', async () => {
  const team = { name: 'Engineering', slug: 'eng' };
  const { user, ask, input } = compose({
    teams: [
      { ...team, id: 'e', isActive: true },
      { ...team, id: 'o', name: 'Old', isActive: false },
    ],
  });
  expect(screen.queryByRole('option', { name: 'Old' })).toBeNull();
  await user.selectOptions(screen.getByLabelText('For which team'), 'Engineering');
  await user.type(input, 'Why not?{Enter}');
  expect(ask).toHaveBeenCalledWith('Why not?', 'e');
});

test('shows similar questions to vote for while somebody types', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const known = question('k', { body: 'Will the office close?', upvotes: 4 });
  const vote = vi.fn<Api['vote']>(() => new Promise(() => {}));
  const { input } = compose({
    questions: [known],
    api: { similar: () => Promise.resolve([known]), vote },
  });
  fireEvent.change(input, { target: { value: 'office closing' } });
  // First the typing settles, then the search runs.
  await act(() => vi.advanceTimersByTimeAsync(350));
  await act(() => vi.advanceTimersByTimeAsync(10));
  fireEvent.click(screen.getByRole('button', { name: 'Vote, 4 so far' }));
  expect(vote).toHaveBeenCalledWith('k', true);
  expect(screen.getByText(/Similar questions below: 1/)).toBeTruthy();
});

test('who may not ask is told so', () => {
  renderRoom(<Holder />, { can: ['vote'] });
  expect(screen.queryByLabelText(label)).toBeNull();
  expect(screen.getByText(/Asking is not open to you/)).toBeTruthy();
});
