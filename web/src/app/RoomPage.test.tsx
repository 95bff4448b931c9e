import { act, screen, waitFor, within } from '@testing-library/react';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ApiError, type Api } from '../api';
import { arrivalLimit } from '../room/uncertain';
import { problemsOf } from '../test/axe';
import { question } from '../test/questions';
import { renderRoom, type RoomOptions } from '../test/renderRoom';
import { RoomPage } from './RoomPage';

const tag = { id: 't', name: 'Pay', color: '#3B82F6' };
const questions = [
  question('a', { body: 'First?', upvotes: 4, tags: [tag] }),
  question('b', { body: 'Second?', upvotes: 2, isPinned: true, isFrozen: true }),
  question('c', { body: 'Mine?', isMine: true, upvotes: 1 }),
  question('d', { body: 'Done?', status: 'ANSWERED', responseText: 'Yes.' }),
];
const moderator = ['ask', 'vote', 'moderate', 'manage-tags'];

const open = (options: RoomOptions = {}) =>
  renderRoom(<RoomPage onSignOut={() => {}} />, { questions, tags: [tag], ...options });

const bodies = () =>
  screen.getAllByRole('article').map((card) => /[A-Z][a-z]+\?/.exec(card.textContent)?.[0]);
const card = (body: string) => {
  const found = screen.getAllByRole('article').find((it) => it.textContent.includes(body));
  if (!found) throw new Error(`No card says ${body}`);
  return within(found);
};

test('shows the room, how live it is, and the questions in order', () => {
  open();
  expect(screen.getByRole('heading', { level: 1 }).textContent).toBe('Acme');
  expect(screen.getByText('Live')).toBeTruthy();
  expect(bodies()).toEqual(['Second?', 'First?', 'Mine?']);
});

test('an attendee’s page has no accessibility problems', async () => {
  const { container } = open({
    teams: [{ id: 'e', name: 'Engineering', slug: 'eng', isActive: true }],
  });
  expect(await problemsOf(container)).toEqual([]);
});

test('a moderator’s page has none either, forms and menus open', async () => {
  const { container, user } = open({ can: moderator });
  await screen.findAllByRole('button', { name: 'Tag' });
  await user.click(card('First?').getByRole('button', { name: 'Answer' }));
  expect(document.activeElement?.tagName).toBe('TEXTAREA');
  await user.click(card('Mine?').getByRole('button', { name: 'Remove' }));
  await user.click(card('First?').getByRole('button', { name: 'Tag' }));
  expect(await problemsOf(container)).toEqual([]);
});

test('attendees have no moderator’s tools', () => {
  open();
  expect(screen.queryByRole('button', { name: 'Pin' })).toBeNull();
});

test('the pills choose what is shown', async () => {
  const { user } = open();
  await user.click(screen.getByRole('button', { name: 'Answered 1' }));
  expect(bodies()).toEqual(['Done?']);
  expect(screen.getByText('Yes.')).toBeTruthy();
  await user.click(screen.getByRole('button', { name: 'Mine 1' }));
  expect(bodies()).toEqual(['Mine?']);
});

test('says why there is no voting', async () => {
  const { user } = open();
  await user.click(card('Mine?').getByRole('button', { name: /^Vote/ }));
  expect(screen.getByText('This is your own question')).toBeTruthy();
  await user.click(card('Second?').getByRole('button', { name: /^Vote/ }));
  expect(screen.getByText('Voting on this question is paused')).toBeTruthy();
});

test('a refused vote is taken back and explained', async () => {
  const refused = new ApiError(409, 'question_frozen', 'Question is frozen', 'It is paused.');
  const { user } = open({ api: { vote: () => Promise.reject(refused) } });
  await user.click(card('First?').getByRole('button', { name: /^Vote/ }));
  expect((await screen.findByText(/Your vote was not counted/)).textContent).toContain('paused');
  expect(card('First?').getByRole('button', { name: 'Vote, 4 so far' })).toBeTruthy();
});

test('a question that was not sent can be edited again', async () => {
  const fields = { body: ['Say it nicely.'] };
  const refused = new ApiError(422, 'invalid_input', 'Invalid input', 'body', fields);
  const { user } = open({ api: { ask: () => Promise.reject(refused) } });
  const input = screen.getByLabelText<HTMLTextAreaElement>('What would you like to know?');
  await user.type(input, 'Rude?{Enter}');
  expect((await screen.findByText(/Not sent/)).parentElement?.textContent).toContain('nicely');
  await user.click(screen.getByRole('button', { name: 'Edit' }));
  expect(input.value).toBe('Rude?');
  expect(screen.queryByText(/Not sent/)).toBeNull();
});

test('an update does not take the focus', () => {
  const { world } = open();
  const input = screen.getByLabelText('What would you like to know?');
  input.focus();
  act(() => world.newest.say('question:upvoted', { questionId: 'a', upvotes: 9 }, 'e.11'));
  expect(document.activeElement).toBe(input);
  expect(card('First?').getByRole('button', { name: 'Vote, 9 so far' })).toBeTruthy();
});

test('tells those who listen what is new', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { world } = open();
  const { createdAt } = question('n');
  const data = { body: 'New?', upvotes: 0, status: 'OPEN', teamId: null, createdAt };
  act(() => {
    world.newest.say('question:created', { ...data, questionId: 'n' }, 'e.11');
    world.newest.say('question:created', { ...data, questionId: 'm' }, 'e.12');
  });
  act(() => void vi.advanceTimersByTime(2000));
  expect(screen.getByText('2 new questions').getAttribute('role')).toBe('status');
});

test('the list holds still while a moderator writes an answer', async () => {
  const answer = vi.fn<Api['answer']>(() =>
    Promise.resolve({ value: question('a', { status: 'ANSWERED' }), position: 'e.12' }),
  );
  const { user, world } = open({ can: moderator, api: { answer } });
  await screen.findAllByRole('button', { name: 'Tag' });
  await user.click(card('First?').getByRole('button', { name: 'Answer' }));
  act(() => world.newest.say('question:upvoted', { questionId: 'c', upvotes: 50 }, 'e.11'));
  expect(bodies()).toEqual(['Second?', 'First?', 'Mine?']);
  await user.keyboard('Because.');
  await user.click(screen.getByRole('button', { name: 'Publish answer' }));
  expect(answer).toHaveBeenCalledWith('a', 'Because.');
  expect(screen.queryByLabelText(/Your answer/)).toBeNull();
});

test('a vote that is not confirmed looks so', async () => {
  const { user } = open({ api: { vote: () => new Promise(() => {}) } });
  await user.click(card('First?').getByRole('button', { name: /^Vote/ }));
  const button = card('First?').getByRole('button', { name: 'Vote, 5 so far' });
  expect(button.getAttribute('aria-busy')).toBe('true');
  expect(button.className).toContain('unconfirmed');
});

test('what may have arrived is not offered to be sent again', async () => {
  const lost = new ApiError(0, 'timeout', 'No answer', 'Try again.');
  const { user } = open({ api: { ask: () => Promise.reject(lost) } });
  await user.type(screen.getByLabelText('What would you like to know?'), 'Lost?{Enter}');
  expect((await screen.findByText(/Not confirmed/)).parentElement?.textContent).toContain(
    'may not have arrived',
  );
  expect(screen.queryByRole('button', { name: 'Send again' })).toBeNull();
  await user.click(screen.getByRole('button', { name: 'Discard' }));
  expect(screen.queryByText(/Not confirmed/)).toBeNull();
});

test('a question whose answer was lost is never called “not sent”', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  onTestFinished(() => void vi.useRealTimers());
  const lost = new ApiError(0, 'timeout', 'No answer', 'Try again.');
  const { user } = open({ api: { ask: () => Promise.reject(lost) } });
  await user.type(screen.getByLabelText('What would you like to know?'), 'Lost?{Enter}');
  await screen.findByText(/Not confirmed/);
  await act(() => vi.advanceTimersByTimeAsync(arrivalLimit));
  expect(screen.getByText('Not found yet.').parentElement?.textContent).toBe(
    'Not found yet. If you send it again, it may appear twice.',
  );
  expect(screen.queryByText(/Not sent/)).toBeNull();
  expect(screen.getByRole('button', { name: 'Send again' })).toBeTruthy();
});

test('times are those of the server’s clock, in the page’s language', () => {
  document.documentElement.lang = 'en';
  vi.spyOn(navigator, 'language', 'get').mockReturnValue('de-DE');
  const createdAt = new Date(Date.now() - 3 * 3_600_000).toISOString();
  const { world } = open({ questions: [question('a', { createdAt })] });
  expect(screen.getByText('3 hr. ago')).toBeTruthy();
  const timestamp = world.time - 2.5 * 3_600_000;
  act(() => world.newest.say('heartbeat', {}, undefined, { timestamp }));
  expect(screen.getByText('30 min. ago')).toBeTruthy();
});

test('what people write has its own direction', async () => {
  const rtl = question('a', {
    body: 'מה שלומך?',
    tags: [{ ...tag, name: 'שכר' }],
    teamId: 'e',
    status: 'ANSWERED',
    responseText: 'טוב',
  });
  const team = { id: 'e', name: 'הנדסה', slug: 'eng', isActive: true };
  const { user } = open({ questions: [rtl], teams: [team], can: moderator });
  await user.click(screen.getByRole('button', { name: 'Answered 1' }));
  for (const text of [rtl.body, 'שכר', 'טוב']) {
    expect(screen.getByText(text).closest('bdi, [dir=auto]')?.textContent).toBe(text);
  }
  for (const element of screen.getAllByText(team.name)) {
    expect(element.getAttribute('dir')).toBe('auto');
  }
  expect(screen.getByRole('heading', { level: 1 }).dir).toBe('auto');
  expect(screen.getByLabelText<HTMLTextAreaElement>('What would you like to know?').dir).toBe(
    'auto',
  );
});

test('one question that can’t be shown takes no other with it', () => {
  vi.spyOn(console, 'error').mockReturnValue();
  const broken = { ...question('x', { upvotes: 9 }), tags: null as unknown as [] };
  const { world } = open({ questions: [...questions, broken] });
  expect(screen.getByText(/This question can’t be shown/)).toBeTruthy();
  expect(bodies()).toEqual(['Second?', 'First?', 'Mine?']);
  act(() => {
    const data = { questionId: 'x', tags: [], updatedAt: 'now' };
    world.newest.say('question:tagged', data, 'e.11');
  });
  expect(screen.queryByText(/This question can’t be shown/)).toBeNull();
});

test('what somebody writes, and what is not sent, outlives a reload', async () => {
  const lost = new ApiError(0, 'timeout', 'No answer', 'Try again.');
  const first = open({ api: { ask: () => Promise.reject(lost) } });
  const label = 'What would you like to know?';
  await first.user.type(screen.getByLabelText(label), 'Lost?{Enter}');
  await first.user.type(screen.getByLabelText(label), 'Half a');
  first.unmount();

  const read = vi.fn((id: string) =>
    Promise.resolve(question(id, { body: 'Lost?', isMine: true })),
  );
  const { user, world } = open({ api: { question: read } });
  expect(screen.getByLabelText<HTMLTextAreaElement>(label).value).toBe('Half a');
  expect(screen.getByText('Lost?').parentElement?.textContent).toContain('Not confirmed');
  const { createdAt } = question('q');
  const data = { body: 'Lost?', upvotes: 0, status: 'OPEN', teamId: null, createdAt };
  act(() => world.newest.say('question:created', { ...data, questionId: 'q' }, 'e.11'));
  await waitFor(() => expect(card('Lost?').getByText('Yours')).toBeTruthy());
  expect(screen.getAllByText('Lost?')).toHaveLength(1);
  await user.clear(screen.getByLabelText(label));
  expect(sessionStorage).toHaveLength(0);
});

test('a view that begins scrolled holds still from the start', async () => {
  const { user, world } = open();
  vi.spyOn(window, 'scrollY', 'get').mockReturnValue(500);
  await user.click(screen.getByRole('button', { name: 'Recent' }));
  const { createdAt } = question('n');
  const data = { body: 'New?', upvotes: 0, status: 'OPEN', teamId: null, createdAt };
  act(() => world.newest.say('question:created', { ...data, questionId: 'n' }, 'e.11'));
  expect(bodies()).not.toContain('New?');
  expect(screen.getByRole('button', { name: '1 new question' })).toBeTruthy();
});
