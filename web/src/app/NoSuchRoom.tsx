import { useState } from 'react';
import { useNavigate } from 'react-router';
import { Button } from '../ui/Button';
import { field } from '../ui/field';
import { MessagePage } from '../ui/Page';
import { slugFrom } from './slug';

export function NoSuchRoom({ slug }: { slug: string }) {
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const wanted = slugFrom(name);

  return (
    <MessagePage title="There is no room with this name">
      <p className="text-muted">
        Nothing is called <strong className="font-semibold text-ink">{slug}</strong> here. Check the
        name on the screen or the invitation.
      </p>
      <form
        className="flex flex-wrap items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          if (wanted !== '') void navigate(`/${wanted}`);
        }}
      >
        <div className="min-w-40 flex-1">
          <label htmlFor="room-name" className="mb-1.5 block font-semibold">
            The room’s name
          </label>
          <input
            id="room-name"
            type="text"
            value={name}
            autoCapitalize="none"
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setName(event.target.value)}
            className={field}
          />
        </div>
        <Button type="submit" look="filled" disabled={wanted === ''} className="min-h-12">
          Open the room
        </Button>
      </form>
    </MessagePage>
  );
}
