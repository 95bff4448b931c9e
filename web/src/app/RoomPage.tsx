import { lazy, Suspense, useCallback, useState } from 'react';
import { Composer } from '../features/ask';
import { Board } from '../features/questions';
import { useCan } from '../room';
import type { Question } from '../wire';
import { RoomHeader } from './RoomHeader';

// Most people never moderate; their phones need not load it.
const ModeratorTools = lazy(() => import('../features/moderation/ModeratorTools'));

export function RoomPage({ onSignOut }: { onSignOut: () => void }) {
  const moderates = useCan('moderate');
  const [text, setText] = useState('');

  const tools = useCallback(
    (question: Question) =>
      moderates ? (
        <Suspense fallback={<div className="mt-3 h-[3.3rem]" />}>
          <ModeratorTools question={question} />
        </Suspense>
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
