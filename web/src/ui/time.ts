import { useEffect, useState } from 'react';

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** "2 minutes ago", in the reader's language. */
export function ago(iso: string, now: number, locale?: string): string {
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  const passed = Math.max(0, now - Date.parse(iso));
  for (const [unit, ms] of units) {
    if (passed >= ms) return format.format(-Math.floor(passed / ms), unit);
  }
  return 'just now';
}

/** The present, every half minute anew. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
