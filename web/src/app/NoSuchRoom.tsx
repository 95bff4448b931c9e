import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { homeRoom } from '../api';
import { Button } from '../ui/Button';
import { field } from '../ui/field';
import { MessagePage } from '../ui/Page';
import { slugFrom } from './slug';

/** `name` is what stands behind `/app/` in the address. The form begins with the room that was probably meant. */
export function NoSuchRoom({ name }: { name: string }) {
  const [, navigate] = useLocation();
  const [typed, setTyped] = useState(() => slugFrom(`/app/${name}`));
  const wanted = slugFrom(typed);
  const possible = wanted !== '' && wanted !== name;

  return (
    <MessagePage title="There is no room with this name">
      <p className="text-muted">
        Nothing is called{' '}
        <strong className="font-semibold text-ink">
          <bdi>{name}</bdi>
        </strong>{' '}
        here. Check the name on the screen or the invitation.
      </p>
      <form
        className="flex flex-wrap items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          if (possible) navigate(`/${wanted}`);
        }}
      >
        <div className="min-w-40 flex-1">
          <label htmlFor="room-name" className="mb-1.5 block font-semibold">
            The room’s name
          </label>
          <input
            id="room-name"
            type="text"
            dir="auto"
            value={typed}
            autoCapitalize="none"
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setTyped(event.target.value)}
            className={field}
          />
        </div>
        <Button type="submit" look="filled" disabled={!possible} className="min-h-12">
          Open the room
        </Button>
      </form>
      {name !== homeRoom() && (
        <Link href="/" className="self-start py-2.5 text-accent-text underline">
          Go to the main room
        </Link>
      )}
    </MessagePage>
  );
}
