import type { ReactNode } from 'react';

/** A page that is only a message: something is missing, or something is loading. */
export function MessagePage({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="gutter mx-auto flex min-h-dvh max-w-md flex-col justify-center gap-4 py-10">
      <Logo />
      <h1 className="text-2xl font-bold tracking-tight">{title}</h1>
      {children}
    </main>
  );
}

export function Logo() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" className="size-9 text-accent">
      <rect width="32" height="32" rx="9" fill="currentColor" />
      <path
        d="M6 17h5l3-8 4 14 3-8 1.5 2H26"
        fill="none"
        stroke="var(--color-accent-ink)"
        strokeWidth="2.6"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
