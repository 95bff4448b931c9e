import { useRef, useState } from 'react';
import { useRoom } from '../../room';
import { Icon } from '../../ui/Icon';
import { Button } from '../../ui/Button';
import type { Question } from '../../wire';
import { AnswerForm } from './AnswerForm';
import { TagMenu } from './TagMenu';
import { ToolButton } from './ToolButton';

/** What a moderator can do with one question. */
export default function ModeratorTools({ question }: { question: Question }) {
  const { actions } = useRoom();
  const [open, setOpen] = useState<'answer' | 'remove' | null>(null);
  const answerButton = useRef<HTMLButtonElement>(null);
  const removeButton = useRef<HTMLButtonElement>(null);
  const answered = question.status === 'ANSWERED';

  /** What had the focus goes away with the form, so the focus goes back to where it came from. */
  function close(opener: HTMLButtonElement | null) {
    opener?.focus();
    setOpen(null);
  }

  return (
    <div className="mt-3 border-t border-line pt-2">
      <div role="group" aria-label="Moderate this question" className="-mx-1 flex flex-wrap gap-1">
        <ToolButton
          ref={answerButton}
          icon="reply"
          text={answered ? 'Edit answer' : 'Answer'}
          aria-expanded={open === 'answer'}
          disabled={question.isFrozen}
          title={question.isFrozen ? 'A frozen question takes no answer' : undefined}
          onClick={() => setOpen(open === 'answer' ? null : 'answer')}
        />
        <TagMenu question={question} />
        <ToolButton
          icon="pin"
          text="Pin"
          aria-pressed={question.isPinned}
          onClick={() => void actions.pin(question.id, !question.isPinned)}
        />
        <ToolButton
          icon="snow"
          text="Freeze"
          aria-pressed={question.isFrozen}
          onClick={() => void actions.freeze(question.id, !question.isFrozen)}
        />
        <ToolButton
          ref={removeButton}
          icon="bin"
          text="Remove"
          aria-expanded={open === 'remove'}
          onClick={() => setOpen(open === 'remove' ? null : 'remove')}
        />
      </div>
      {open === 'answer' && (
        <AnswerForm question={question} onDone={() => close(answerButton.current)} />
      )}
      {open === 'remove' && (
        <div role="group" aria-label="Remove this question?" className="mt-2 flex flex-wrap gap-2">
          <Button look="danger" onClick={() => void actions.remove(question.id)}>
            <Icon name="bin" /> Remove for everyone
          </Button>
          <Button look="quiet" onClick={() => close(removeButton.current)}>
            Keep it
          </Button>
        </div>
      )}
    </div>
  );
}
