import { describe, expect, test } from 'vitest';
import { ApiError } from '../api';
import { question } from '../test/questions';
import { addAsk, alike, arrived, nothingPending, type Ask } from './pending';
import { createStore } from './store';
import { keepUnsent, unsent } from './unsent';

const ask: Ask = {
  key: 'asked-1',
  body: 'Why?',
  teamId: null,
  askedAt: '2026-01-01T00:00:00Z',
  before: new Set(),
  questionId: null,
  error: null,
  isUncertain: false,
};

/** What becomes of an ask when the page is reloaded. */
function reloaded(change: Partial<Ask>): Ask | undefined {
  const pending = createStore(nothingPending);
  const stop = keepUnsent('acme', pending);
  pending.update((it) => addAsk(it, { ...ask, ...change }));
  stop();
  return unsent('acme').asks[0];
}

describe('after a reload', () => {
  test('a question that was on its way may have arrived', () => {
    expect(reloaded({})).toMatchObject({ body: 'Why?', isUncertain: true });
  });

  test('a question that was refused still was, for the same reason', () => {
    const fields = { body: ['Say it nicely.'] };
    const error = new ApiError(422, 'invalid_input', 'Invalid input', 'body', fields);
    const kept = reloaded({ error });
    expect(kept).toMatchObject({ isUncertain: false });
    expect(kept?.error).toMatchObject({ error: 'Invalid input', detail: 'Say it nicely.' });
    expect(kept?.error?.isUncertain).toBe(false);
  });

  test('a question that was not found still may have arrived', () => {
    const error = new ApiError(0, 'timeout', 'No answer', 'Try again.');
    const kept = reloaded({ error, isUncertain: false });
    expect(kept).toMatchObject({ isUncertain: false });
    expect(kept?.error?.isUncertain).toBe(true);
  });

  test('an earlier question with the same text is not taken for it', () => {
    const questions = new Map([['q', question('q', { body: 'Why?' })]]);
    const kept = reloaded({ before: alike(ask, questions) });
    expect(kept && arrived(kept, questions)).toBeNull();
    questions.set('r', question('r', { body: 'Why?' }));
    expect(kept && arrived(kept, questions)?.id).toBe('r');
  });

  const entry = { body: 'Why?', teamId: null, askedAt: 'now', before: ['q'], isUncertain: true };
  const error = { status: 422, code: 'invalid_input', error: 'Invalid', detail: 'Too short.' };

  function restored(value: object): Ask | undefined {
    sessionStorage.setItem('pulsestage:unsent:acme', JSON.stringify([value]));
    return unsent('acme').asks[0];
  }

  test('an entry is what it was, and without an answer it was interrupted', () => {
    expect(restored({ ...entry, teamId: 'red', error })).toEqual({
      ...{ key: 'kept-0', body: 'Why?', teamId: 'red', askedAt: 'now', questionId: null },
      ...{ before: new Set(['q']), isUncertain: true },
      error: new ApiError(422, 'invalid_input', 'Invalid', 'Too short.'),
    });
    expect(restored({ ...entry, error: null })?.error).toMatchObject({
      ...{ status: 0, code: 'interrupted', error: 'Interrupted' },
      detail: 'The page was reloaded.',
    });
  });

  test.each([
    [{ body: 1 }],
    [{ askedAt: 1 }],
    [{ teamId: 1 }],
    [{ isUncertain: 1 }],
    [{ before: 'q' }],
    [{ error: 1 }],
    [{ error: { ...error, status: '422' } }],
    [{ error: { ...error, code: 1 } }],
    [{ error: { ...error, error: 1 } }],
    [{ error: { ...error, detail: 1 } }],
  ])('an entry of another version is ignored: %j', (other) => {
    expect(restored({ ...entry, error: null, ...other })).toBeUndefined();
  });

  test('a question that has been answered for is not kept, and rooms are apart', () => {
    expect(reloaded({ questionId: 'q' })).toBeUndefined();
    expect(sessionStorage).toHaveLength(0);
    expect(reloaded({})).toBeDefined();
    expect(unsent('globex').asks).toEqual([]);
  });

  test.each([
    '{',
    'null',
    '{"body":"Why?"}',
    '[null,1,{"body":1},{"body":"Why?","teamId":null,"askedAt":"now","error":{}}]',
  ])('an entry that says %s is ignored', (text) => {
    sessionStorage.setItem('pulsestage:unsent:acme', text);
    expect(unsent('acme').asks).toEqual([]);
  });
});
