import { useEffect, useId, useRef, useState } from 'react';
import { useRoom } from '../../room';
import { fits, type Limits } from '../../text';
import { Button } from '../../ui/Button';
import { CharactersLeft } from '../../ui/CharactersLeft';
import { field } from '../../ui/field';
import type { Question } from '../../wire';

const limits: Limits = { shortest: 1, longest: 10_000 };

export interface AnswerFormProps {
  question: Question;
  onDone: () => void;
}

export function AnswerForm({ question, onDone }: AnswerFormProps) {
  const { actions } = useRoom();
  const id = useId();
  const input = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(question.responseText ?? '');
  const [sending, setSending] = useState(false);
  const ready = fits(text, limits) && !sending;

  // The moderator asked for this form a moment ago, so the focus is theirs to give.
  useEffect(() => input.current?.focus(), []);

  async function send() {
    if (!ready) return;
    setSending(true);
    const saved = await actions.answer(question.id, text.trim());
    setSending(false);
    if (saved) onDone();
  }

  return (
    <form
      className="mt-2 space-y-2"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <label htmlFor={id} className="block text-sm font-semibold">
        Your answer, for everyone to read
      </label>
      <textarea
        id={id}
        ref={input}
        rows={3}
        dir="auto"
        value={text}
        aria-describedby={`${id}-count`}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void send();
          if (event.key === 'Escape') onDone();
        }}
        className={`${field} field-sizing-content max-h-80 min-h-24 resize-none`}
      />
      <CharactersLeft id={`${id}-count`} text={text} longest={limits.longest} />
      <div className="flex gap-2">
        <Button type="submit" look="filled" disabled={!ready} aria-busy={sending}>
          {sending ? 'Saving…' : 'Publish answer'}
        </Button>
        <Button look="quiet" onClick={onDone}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
