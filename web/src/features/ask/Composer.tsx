import { useId, useRef, useState, type KeyboardEvent } from 'react';
import { useCan, useRoom, useSSE } from '../../room';
import { fits, type Limits } from '../../text';
import { Button } from '../../ui/Button';
import { CharactersLeft } from '../../ui/CharactersLeft';
import { field } from '../../ui/field';
import { Icon } from '../../ui/Icon';
import { SimilarQuestions } from './SimilarQuestions';

const defaults: Limits = { shortest: 3, longest: 2000 };

/** The text lives above, so that a question that could not be sent can come back into it. */
export interface ComposerProps {
  text: string;
  onText: (text: string) => void;
}

export function Composer({ text, onText }: ComposerProps) {
  const { tenant, actions } = useRoom();
  const mayAsk = useCan('ask');
  const { room } = useSSE();
  const [teamId, setTeamId] = useState('');
  const input = useRef<HTMLTextAreaElement>(null);
  const id = useId();

  const teams = room.teams.filter((team) => team.isActive);
  const limits: Limits = {
    shortest: tenant.settings.questionMinLength ?? defaults.shortest,
    longest: tenant.settings.questionMaxLength ?? defaults.longest,
  };
  const ready = fits(text, limits);

  function send() {
    if (!ready) return;
    // A team may have been closed since it was chosen.
    actions.ask(text.trim(), teams.some((team) => team.id === teamId) ? teamId : null);
    onText('');
    input.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent<HTMLTextAreaElement>) {
    // Enter may be choosing a word in an input method.
    if (event.key !== 'Enter' || event.nativeEvent.isComposing) return;
    const always = event.ctrlKey || event.metaKey;
    if (always || (!event.shiftKey && hasKeyboard())) {
      event.preventDefault();
      send();
    }
  }

  if (!mayAsk) {
    return (
      <p className="text-muted">You can read along here. Asking is not open to you in this room.</p>
    );
  }

  return (
    <section aria-label="Ask a question">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
        className="rounded-2xl border border-line bg-surface p-3 shadow-card sm:p-4"
      >
        <label htmlFor={`${id}-text`} className="mb-1.5 block font-semibold">
          What would you like to know?
        </label>
        <textarea
          id={`${id}-text`}
          ref={input}
          value={text}
          rows={2}
          dir="auto"
          enterKeyHint="enter"
          aria-describedby={`${id}-privacy ${id}-count`}
          placeholder="Type your question"
          onChange={(event) => onText(event.target.value)}
          onKeyDown={onKeyDown}
          className={`${field} field-sizing-content max-h-64 min-h-20 resize-none`}
        />
        <CharactersLeft id={`${id}-count`} text={text} longest={limits.longest} />
        <div className="mt-2 flex flex-wrap items-center gap-2">
          {teams.length > 0 && (
            <>
              <label htmlFor={`${id}-team`} className="sr-only">
                For which team
              </label>
              <select
                id={`${id}-team`}
                value={teamId}
                onChange={(event) => setTeamId(event.target.value)}
                className={`${field} min-h-11 !w-auto max-w-full flex-1 py-1.5`}
              >
                <option value="">For everyone</option>
                {teams.map((team) => (
                  <option key={team.id} value={team.id} dir="auto">
                    {team.name}
                  </option>
                ))}
              </select>
            </>
          )}
          <Button type="submit" look="filled" disabled={!ready} className="ml-auto px-6">
            Ask
          </Button>
        </div>
        <p id={`${id}-privacy`} className="mt-2.5 flex items-start gap-1.5 text-sm text-muted">
          <Icon name="lock" className="mt-0.5 size-4" />
          Nobody, moderators included, can see who asked
        </p>
      </form>
      <SimilarQuestions text={text} />
    </section>
  );
}

/** On a touch screen Enter is a new line and the button sends; with a keyboard Enter sends, Shift+Enter is a new line. */
function hasKeyboard(): boolean {
  return window.matchMedia('(hover: hover) and (pointer: fine)').matches;
}
