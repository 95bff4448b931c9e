export { createLiveClient, type LiveClient, type LiveRoom } from './client';
export { createConnection, streamUrl, type Status } from './connection';
export { browserEnvironment, type Environment } from './environment';
export { emptyRoom, type RoomState } from './reducer';
