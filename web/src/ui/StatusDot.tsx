type Status = 'connecting' | 'live' | 'checking' | 'catching-up' | 'offline';

const looks: Record<Status, { text: string; dot: string; hint: string }> = {
  connecting: { text: 'Connecting', dot: 'bg-wait animate-pulse', hint: 'Opening the connection' },
  live: { text: 'Live', dot: 'bg-live', hint: 'Everything appears as it happens' },
  checking: {
    text: 'Checking…',
    dot: 'bg-wait animate-pulse',
    hint: 'Waiting for the server’s answer',
  },
  'catching-up': {
    text: 'Catching up',
    dot: 'bg-wait animate-pulse',
    hint: 'The connection was lost for a moment',
  },
  offline: { text: 'Offline', dot: 'bg-danger', hint: 'Trying again every few seconds' },
};

/** How fresh the page is, in words and not by colour alone. */
export function StatusDot({ status }: { status: Status }) {
  const { text, dot, hint } = looks[status];
  return (
    <p
      role="status"
      title={hint}
      className="flex items-center gap-2 text-sm font-medium text-muted"
    >
      <span aria-hidden="true" className={`size-2.5 rounded-full ${dot}`} />
      <span className="sr-only">Connection: </span>
      <span>{text}</span>
    </p>
  );
}
