import { useEffect, useState } from 'react';

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** "2 min. ago", in the page's language, whatever the browser's is. */
export function ago(iso: string, now: number): string {
  const locale = document.documentElement.lang || 'en';
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  const passed = Math.max(0, now - Date.parse(iso));
  for (const [unit, ms] of units) {
    if (passed >= ms) return format.format(-Math.floor(passed / ms), unit);
  }
  return 'just now';
}

/** The present by a clock that is so many ms ahead of this machine's, every half minute anew. */
export function useNow(ahead: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return now + ahead;
}
