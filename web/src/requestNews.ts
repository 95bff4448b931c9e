/** How a request to the server fares, as `api/` says it and `live/` hears it: both take the same way through the network. */
export interface RequestNews {
  /** It takes long; it is over; it is over and there was no answer. */
  kind: 'late' | 'over' | 'unanswered';
  request: number;
  sentAt: number;
}
