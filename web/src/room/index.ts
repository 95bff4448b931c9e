export type { Actions } from './actions';
export { arrange, counts, type Item, type View } from './arrange';
export { arrived, isVotePending, patched, type Ask, type Pending } from './pending';
export { RoomProvider, useCan, usePending, useRoom, useSettleAsks } from './RoomProvider';
export { SSEProvider, useSSE } from './SSEProvider';
export { whyNoVote } from './whyNoVote';
