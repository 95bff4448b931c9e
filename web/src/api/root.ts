/** What the server writes into the page: where it is served, and which room is its home. */

/** The path prefix that PulseStage is served below, e.g. "/qa"; empty at the top of a host. */
export function rootPath(page: Document = document): string {
  const path = written('root', page).replace(/\/+$/, '');
  return path === '' || path.startsWith('/') ? path : `/${path}`;
}

/** The room that an address without a name leads to. */
export function homeRoom(page: Document = document): string {
  return written('home', page) || 'default';
}

function written(name: string, page: Document): string {
  return page.querySelector<HTMLMetaElement>(`meta[name="pulsestage-${name}"]`)?.content ?? '';
}
