import { act, render, screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { liveRoom, sayRoom } from '../test/fakeRoom';
import { question } from '../test/questions';
import { SSEProvider, useSSE } from './SSEProvider';

function Count() {
  const { status, room } = useSSE();
  return `${status}: ${room.questions.size}`;
}

test('the stream is open while the client is on the page, and its room is shown', () => {
  const { world, client } = liveRoom([]);
  client.stop();
  const page = render(
    <SSEProvider client={client}>
      <Count />
    </SSEProvider>,
  );
  expect(world.newest.closed).toBe(false);
  act(() => sayRoom(world, [question('a')]));
  expect(screen.getByText('live: 1')).toBeTruthy();
  page.unmount();
  expect(world.newest.closed).toBe(true);
});

test('without a provider the mistake is named', () => {
  expect(() => render(<Count />)).toThrow('useSSE needs an SSEProvider above it');
});
