/** From the part of the address behind `/app` to a room. */
import { useLocation } from 'wouter';
import { homeRoom } from '../api';
import { NoSuchRoom } from './NoSuchRoom';
import { Room } from './RoomRoute';
import { nameIn, slugOf } from './slug';

export function RoomRoutes() {
  const [path] = useLocation();
  const name = nameIn(path) || homeRoom();
  const slug = slugOf(name);
  return slug === null ? <NoSuchRoom key={name} name={name} /> : <Room key={slug} slug={slug} />;
}
