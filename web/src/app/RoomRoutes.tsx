/** From the part of the address behind `/app` to a room, whatever its letters' case. */
import { Route, Routes, useParams } from 'react-router';
import { homeRoom } from '../api';
import { NoSuchRoom } from './NoSuchRoom';
import { Room } from './RoomRoute';
import { isSlug } from './slug';

export function RoomRoutes() {
  return (
    <Routes>
      <Route path="/" element={<Named />} />
      <Route path="/:name" element={<Named />} />
      <Route path="*" element={<Unknown />} />
    </Routes>
  );
}

function Named() {
  const { name = homeRoom() } = useParams();
  const slug = name.toLowerCase();
  return isSlug(slug) ? <Room key={slug} slug={slug} /> : <NoSuchRoom key={slug} name={name} />;
}

function Unknown() {
  const { '*': path = '' } = useParams();
  return <NoSuchRoom name={path} />;
}
