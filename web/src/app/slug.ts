/**
 * The address form of a room's name as somebody types it, or of its whole address as somebody pastes it. Of an address the
 * room is what follows `/app/`, or else its last part.
 */
export function slugFrom(typed: string): string {
  const path = typed
    .trim()
    .replace(/[?#].*$/, '')
    .replace(/\/+$/, '');
  const room = /\/app\/+([^/]+)/i.exec(path)?.[1] ?? path.split('/').at(-1) ?? '';
  return room
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}

/** What a path below `/app` says of the room; empty if nothing. */
export function nameIn(path: string): string {
  return path.replace(/^\/+|\/+$/g, '');
}

/** The address form of a room's name, whatever its letters' case; null if no room can have the name. */
export function slugOf(name: string): string | null {
  const slug = name.toLowerCase();
  return /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(slug) ? slug : null;
}

/**
 * Where the page belongs if it was opened at an address that is not below `<root>/app/`: a proxy that keeps a path prefix
 * named `/app` makes `/app/acme` the page, although the room is at `/app/app/acme`. Null where all is well.
 */
export function misplaced(root: string, pathname: string): string | null {
  const base = `${root}/app`;
  if (`${pathname}/`.startsWith(`${base}/`)) return null;
  const rest = `${pathname}/`.startsWith(`${root}/`) ? pathname.slice(root.length) : pathname;
  return `${base}/${rest.replace(/^\/+/, '')}`;
}
