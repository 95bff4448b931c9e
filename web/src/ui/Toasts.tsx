/** Short messages at the bottom edge. They never take the focus, and problems stay until they are closed or replaced. */
import { createContext, useCallback, useContext, useEffect, useState, type ReactNode } from 'react';
import { Icon } from './Icon';

export interface Toast {
  tone: 'notice' | 'problem';
  text: string;
}

type Show = (toast: Toast) => void;

const ToastContext = createContext<Show>(() => {});

const noticeMs = 5000;
const problemMs = 12_000;

export function ToastProvider({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<(Toast & { key: number }) | null>(null);
  const show = useCallback<Show>((toast) => {
    setShown((old) => ({ ...toast, key: (old?.key ?? 0) + 1 }));
  }, []);

  useEffect(() => {
    if (shown === null) return;
    const timer = setTimeout(() => setShown(null), shown.tone === 'problem' ? problemMs : noticeMs);
    return () => clearTimeout(timer);
  }, [shown]);

  const card = shown && (
    <ToastCard key={shown.key} tone={shown.tone} text={shown.text} onClose={() => setShown(null)} />
  );

  return (
    <ToastContext value={show}>
      {children}
      <div className="gutter pointer-events-none fixed inset-x-0 bottom-0 z-30 pb-[max(1rem,env(safe-area-inset-bottom))]">
        <div role="status" className="mx-auto max-w-md">
          {shown?.tone === 'notice' && card}
        </div>
        <div role="alert" className="mx-auto max-w-md">
          {shown?.tone === 'problem' && card}
        </div>
      </div>
    </ToastContext>
  );
}

function ToastCard({ tone, text, onClose }: Toast & { onClose: () => void }) {
  return (
    <div className="rise pointer-events-auto flex items-center gap-2 rounded-2xl bg-ink py-1 pr-1 pl-4 text-canvas shadow-float">
      <p className="flex-1 py-2 text-[0.9375rem]">
        {tone === 'problem' && <span className="sr-only">Problem: </span>}
        {text}
      </p>
      <button
        type="button"
        aria-label="Close message"
        onClick={onClose}
        className="grid size-11 place-items-center rounded-xl focus-visible:outline-canvas"
      >
        <Icon name="cross" />
      </button>
    </div>
  );
}

export function useShowToast(): Show {
  return useContext(ToastContext);
}
