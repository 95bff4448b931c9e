/**
 * A name without case, accents and compatibility forms. Names that differ here may be one name for the server, which knows
 * more of Unicode; names that are the same here are the same for the server too.
 */
export function fold(name: string): string {
  const plain = name.normalize('NFKD').replace(/[\u0300-\u036f]/g, '');
  return plain.normalize('NFC').toLowerCase();
}
