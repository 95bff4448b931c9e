export { createLiveClient, type LiveClient, type LiveRoom } from './client';
export { createConnection, streamUrl, type Handlers, type Status } from './connection';
export { browserEnvironment, type Environment } from './environment';
export { createSharedFeed } from './leader';
export { emptyRoom, type RoomState } from './reducer';
export { browserSharing } from './sharing';
