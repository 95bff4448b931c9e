import * as Popover from '@radix-ui/react-popover';
import { useState } from 'react';
import { useCan, useRoom, useSSE } from '../../room';
import { fits } from '../../text';
import { field } from '../../ui/field';
import { Icon } from '../../ui/Icon';
import type { Question } from '../../wire';
import { fold } from './fold';
import { ToolButton } from './ToolButton';

const limits = { shortest: 1, longest: 50 };

/** All tags to switch on and off, and a way to make a new one by typing its name. */
export function TagMenu({ question }: { question: Question }) {
  const { actions } = useRoom();
  const { room } = useSSE();
  const mayCreate = useCan('manage-tags');
  const [open, setOpen] = useState(false);
  const [text, setText] = useState('');

  const typed = text.trim();
  const same = (name: string) => fold(name) === fold(typed);
  const tags = room.tags.filter((tag) => fold(tag.name).includes(fold(typed)));
  const creates = mayCreate && fits(typed, limits) && !room.tags.some((tag) => same(tag.name));
  const worn = new Set(question.tags.map((tag) => tag.id));

  async function create() {
    if (await actions.createTag(question, typed)) setText('');
  }

  function onEnter() {
    const exact = tags.find((tag) => same(tag.name));
    if (exact) void actions.tag(question, exact, !worn.has(exact.id));
    else if (creates) void create();
  }

  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger asChild>
        <ToolButton icon="tag" text="Tag" />
      </Popover.Trigger>
      {/* Not in a portal: the list holds still while the focus is in here. */}
      <Popover.Content
        align="start"
        sideOffset={4}
        collisionPadding={12}
        aria-label="Tags of this question"
        data-holds-list=""
        className="rise z-20 w-64 max-w-[calc(100vw-1.5rem)] rounded-2xl border border-line bg-surface p-2 shadow-float"
      >
        <input
          type="text"
          dir="auto"
          aria-label={mayCreate ? 'Find or create a tag' : 'Find a tag'}
          placeholder={mayCreate ? 'Find or create a tag' : 'Find a tag'}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') onEnter();
          }}
          className={field}
        />
        <ul className="mt-1 max-h-60 overflow-y-auto">
          {tags.map((tag) => (
            <li key={tag.id}>
              <label className="flex min-h-11 cursor-pointer items-center gap-2.5 rounded-xl px-2 hover:bg-sunken">
                <input
                  type="checkbox"
                  checked={worn.has(tag.id)}
                  onChange={(event) => void actions.tag(question, tag, event.target.checked)}
                  className="size-5 accent-accent"
                />
                <span
                  aria-hidden="true"
                  className="size-2.5 shrink-0 rounded-full"
                  style={{ backgroundColor: tag.color }}
                />
                <span dir="auto" className="min-w-0">
                  {tag.name}
                </span>
              </label>
            </li>
          ))}
        </ul>
        {creates && (
          <button
            type="button"
            onClick={() => void create()}
            className="flex min-h-11 w-full items-center gap-2 rounded-xl px-2 text-left font-medium text-accent-text hover:bg-sunken"
          >
            <Icon name="tag" />{' '}
            <span className="min-w-0">
              Create “<bdi>{typed}</bdi>”
            </span>
          </button>
        )}
        {tags.length === 0 && !creates && (
          <p className="px-2 py-3 text-sm text-muted">
            {typed === '' ? 'There are no tags yet.' : 'No tag has this name.'}
          </p>
        )}
      </Popover.Content>
    </Popover.Root>
  );
}
