/** Small line drawings on a 20 × 20 grid. Always beside words or a label, so hidden from assistive technology. */

const paths = {
  up: 'M10 16V4.5M4.8 9.5 10 4.2l5.2 5.3',
  pin: 'M7 3.5h6l-.7 5 2.7 3H5l2.7-3zM10 11.5v5',
  snow: 'M10 3v14M4 6.5l12 7M16 6.5l-12 7',
  tag: 'M3.5 3.5h6l7 7-6 6-7-7zM7 7h.01',
  reply: 'M8 5 3.5 9.5 8 14M4 9.5h7.5a5 5 0 0 1 5 5v.5',
  bin: 'M4 6h12M8 6V4h4v2M5.5 6l.8 10.5h7.4L14.5 6',
  check: 'M4 10.5 8.2 14.5 16 6',
  lock: 'M5 9h10v7.5H5zM7 9V6.5a3 3 0 0 1 6 0V9',
  cross: 'M5 5l10 10M15 5 5 15',
} as const;

export function Icon({
  name,
  className = 'size-4',
}: {
  name: keyof typeof paths;
  className?: string;
}) {
  return (
    <svg
      viewBox="0 0 20 20"
      aria-hidden="true"
      className={`shrink-0 ${className}`}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={paths[name]} />
    </svg>
  );
}
