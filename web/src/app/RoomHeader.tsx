import { useRoom, useSSE } from '../room';
import { StatusDot } from '../ui/StatusDot';

/** Where am I, who am I here, and is it live. */
export function RoomHeader({ onSignOut }: { onSignOut: () => void }) {
  const { tenant, session } = useRoom();
  const { status } = useSSE();
  return (
    <header className="sticky top-0 z-10 border-b border-line bg-canvas/95 pt-[env(safe-area-inset-top)] backdrop-blur-sm">
      <div className="gutter mx-auto flex min-h-14 max-w-2xl items-center gap-3">
        <h1 dir="auto" className="min-w-0 flex-1 truncate text-lg font-bold tracking-tight">
          {tenant.name}
        </h1>
        {!session.isGuest && (
          <button
            type="button"
            onClick={onSignOut}
            title={`You are signed in as ${session.role}`}
            className="min-h-11 rounded-xl px-2 text-sm font-medium text-accent-text hover:bg-sunken"
          >
            Sign out
          </button>
        )}
        <StatusDot status={status} />
      </div>
    </header>
  );
}
