/** Where in a tenant's log something is: `<epoch>.<seq>`. The epoch changes when the log was lost or restored. */
export interface Position {
  epoch: string;
  seq: number;
}

/** Null for anything that is not a position: an unknown position is never an error, only unknown. */
export function parsePosition(text: string | null | undefined): Position | null {
  const match = /^([0-9A-Za-z._-]+)\.([0-9]+)$/.exec(text ?? '');
  if (match?.[1] === undefined || match[2] === undefined) return null;
  return { epoch: match[1], seq: Number(match[2]) };
}

export function formatPosition(position: Position): string {
  return `${position.epoch}.${position.seq}`;
}

/** Whether someone who is at `reached` already has what happened at `other`. Positions of two logs never compare. */
export function covers(reached: Position | null, other: Position | null): boolean {
  return (
    reached !== null && other !== null && reached.epoch === other.epoch && other.seq <= reached.seq
  );
}
