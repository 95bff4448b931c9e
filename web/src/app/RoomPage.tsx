import { useCallback, useEffect, useSyncExternalStore, type ReactNode } from 'react';
import { Composer } from '../features/ask';
import { Board } from '../features/questions';
import { useCan, useRoom } from '../room';
import { Boundary } from '../ui/Boundary';
import { Button } from '../ui/Button';
import type { Question } from '../wire';
import { createChunk } from './chunk';
import { RoomHeader } from './RoomHeader';
import { useDraft } from './useDraft';

// Most people never moderate; their phones need not load it.
const moderation = createChunk(() => import('../features/moderation/ModeratorTools'));

export function RoomPage({ onSignOut }: { onSignOut: () => void }) {
  const { tenant } = useRoom();
  const moderates = useCan('moderate');
  const [text, setText] = useDraft(tenant.slug);

  const tools = useCallback(
    (question: Question) =>
      moderates ? (
        <Boundary of={question} fallback={<NoTools>The tools for this question failed.</NoTools>}>
          <Tools question={question} />
        </Boundary>
      ) : null,
    [moderates],
  );

  return (
    <>
      <RoomHeader onSignOut={onSignOut} />
      <main className="gutter mx-auto max-w-2xl space-y-6 pt-4 pb-[max(6rem,env(safe-area-inset-bottom))]">
        <Composer text={text} onText={setText} />
        <Board tools={tools} onEdit={text.trim() === '' ? setText : null} />
      </main>
    </>
  );
}

function Tools({ question }: { question: Question }) {
  const loaded = useSyncExternalStore(moderation.store.subscribe, moderation.store.get);
  useEffect(() => moderation.load(), []);
  if (loaded === 'loading') return <div className="mt-3 h-[3.3rem]" />;
  if (loaded === 'failed') {
    return (
      <NoTools>
        The tools for moderators could not be loaded.{' '}
        <Button onClick={moderation.load}>Try again</Button>
      </NoTools>
    );
  }
  return <loaded.default question={question} />;
}

function NoTools({ children }: { children: ReactNode }) {
  return (
    <div className="mt-3 flex flex-wrap items-center gap-2 border-t border-line pt-2 text-sm text-muted">
      {children}
      <Button look="quiet" onClick={() => window.location.reload()}>
        Reload the page
      </Button>
    </div>
  );
}
