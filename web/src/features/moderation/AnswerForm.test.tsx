import { fireEvent, screen } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import type { Api } from '../../api';
import { question } from '../../test/questions';
import { renderRoom } from '../../test/renderRoom';
import { AnswerForm } from './AnswerForm';

test('counts what people see, and publishes nothing that nobody sees', () => {
  const answer = vi.fn<Api['answer']>(() => new Promise(() => {}));
  renderRoom(<AnswerForm question={question('a')} onDone={() => {}} />, { api: { answer } });
  const input = screen.getByLabelText<HTMLTextAreaElement>(/Your answer/);
  const publish = screen.getByRole<HTMLButtonElement>('button', { name: 'Publish answer' });
  const write = (value: string) => fireEvent.change(input, { target: { value } });
  write('👍🏽'.repeat(9_999));
  expect(screen.getByText('1 left').parentElement?.id).toBe(input.getAttribute('aria-describedby'));
  expect(publish.disabled).toBe(false);
  write('👍🏽'.repeat(10_001));
  expect(screen.getByText('1 too many')).toBeTruthy();
  expect(publish.disabled).toBe(true);
  write('\u200b\u200b');
  expect(publish.disabled).toBe(true);
  fireEvent.keyDown(input, { key: 'Enter', ctrlKey: true });
  expect(answer).not.toHaveBeenCalled();
});
