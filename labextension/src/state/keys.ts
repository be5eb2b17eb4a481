/** The item that a key leads to from `item`, going round; null for other keys and for no items. */
export function itemAfterKey<T>(
  items: readonly T[],
  item: T,
  key: string,
  keys: { back: string; on: string } = { back: 'ArrowLeft', on: 'ArrowRight' }
): T | null {
  const number = items.indexOf(item);
  const steps: { [key: string]: number } = {
    [keys.on]: (number + 1) % items.length,
    [keys.back]: (number + items.length - 1) % items.length,
    Home: 0,
    End: items.length - 1
  };
  const next = steps[key];
  return next === undefined ? null : (items[next] ?? null);
}
