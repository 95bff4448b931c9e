/** What runs first: it asks for the room at once, while the page's code is still on its way. */
import { homeRoom, rootPath } from '../api';
import { loadChunk } from './chunk';
import { offerReload } from './offerReload';
import { openEarly } from './opening';
import { misplaced, nameIn, slugOf } from './slug';
import './styles.css';

const { pathname, search, hash } = window.location;
const right = misplaced(rootPath(), pathname);
if (right === null) {
  const slug = slugOf(nameIn(pathname.slice(`${rootPath()}/app`.length)) || homeRoom());
  if (slug !== null) openEarly(slug);
  loadChunk(() => import('./page')).catch(offerReload);
} else {
  window.location.replace(right + search + hash);
}
