import { fireEvent, screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { question } from '../../test/questions';
import { renderRoom } from '../../test/renderRoom';
import { TagMenu } from './TagMenu';

async function menu(names: string[]) {
  const { user } = renderRoom(<TagMenu question={question('a')} />, {
    can: ['moderate', 'manage-tags'],
    tags: names.map((name) => ({
      id: name,
      name,
      color: '#3B82F6',
      description: null,
      createdAt: '',
    })),
  });
  await user.click(screen.getByRole('button', { name: 'Tag' }));
  const input = screen.getByLabelText('Find or create a tag');
  return (value: string) => fireEvent.change(input, { target: { value } });
}

test('finds tags whatever their case and accents, and creates none that is there', async () => {
  const type = await menu(['Café', 'Office']);
  type('CAFE');
  expect(screen.getAllByRole('checkbox').map((box) => box.parentElement?.textContent)).toEqual([
    'Café',
  ]);
  expect(screen.queryByRole('button', { name: /Create/ })).toBeNull();
  type('caf');
  expect(screen.getByRole('button', { name: 'Create “caf”' })).toBeTruthy();
});

test('a name has 1 to 50 characters that people see', async () => {
  const type = await menu([]);
  const create = () => screen.queryByRole('button', { name: /Create/ });
  type('👍🏽'.repeat(50));
  expect(create()).toBeTruthy();
  for (const name of ['👍🏽'.repeat(51), '\u200b']) {
    type(name);
    expect(create()).toBeNull();
  }
});
