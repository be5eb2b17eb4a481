/** Where the tasks of a workflow are drawn. A matter of the view alone: no file and no run knows of it. */
import type { Task } from '../contract';
import { linksOf } from './links';

export interface Place {
  x: number;
  y: number;
}
export type Places = { [task: string]: Place };

export const NODE = { width: 196, height: 60 };
/** Between layers there is room for the names of outputs; between neighbours in a layer for nothing. */
const BETWEEN = 84;
const BESIDE = 36;
/** A layer with more tasks becomes several columns: a line of a hundred could not be read. */
const LONGEST = 12;

/** Room that a layer leaves for links to pass between its tasks; names of tasks hold no such sign. */
const ROOM = '→';

/** Layers of task names, each below those it waits for, ordered so that few links cross, with room where links pass. */
export function layersOf(tasks: readonly Task[]): string[][] {
  const before = new Map<string, string[]>();
  const after = new Map<string, string[]>();
  for (const { from, to } of linksOf(tasks)) {
    before.set(to, [...(before.get(to) ?? []), from]);
    after.set(from, [...(after.get(from) ?? []), to]);
  }
  const names = [...new Set(tasks.map(task => task.name))];
  const open = new Map(names.map(name => [name, before.get(name)?.length ?? 0]));
  const layers: string[][] = [];
  while (open.size > 0) {
    const ready = [...open].filter(([, count]) => count === 0).map(([name]) => name);
    // In a circle somebody has to stand first.
    const layer = ready.length > 0 ? ready : [...open.keys()].slice(0, 1);
    layer.forEach(name => open.delete(name));
    layer.flatMap(name => after.get(name) ?? []).forEach(name => open.has(name) && open.set(name, (open.get(name) ?? 0) - 1));
    layers.push(layer);
  }
  const depths = new Map(layers.flatMap((layer, depth) => layer.map(name => [name, depth] as const)));
  const depthOf = (name: string) => depths.get(name) ?? 0;
  const links = linksOf(tasks).map(({ from, to }) => ({ from, to, begin: depthOf(from), end: depthOf(to) }));
  // What comes from further above comes through the room of the layer before.
  const through = (from: string, begin: number, depth: number) => (begin < depth - 1 ? `${ROOM}${depth - 1}` : from);
  links.forEach(({ from, to, begin, end }) => begin < end - 1 && before.get(to)?.push(through(from, begin, end)));
  layers.slice(1).forEach((layer, number) => {
    const passing = links.filter(one => one.begin < number + 1 && one.end > number + 1);
    const room = `${ROOM}${number + 1}`;
    if (passing.length > 0) {
      before.set(room, passing.map(one => through(one.from, one.begin, number + 1)));
      layer.splice(Math.ceil(layer.length / 2), 0, room);
    }
    const above = new Map(layers[number]?.map((name, place) => [name, place]));
    const weights = new Map(
      layer.map(name => {
        const places = (before.get(name) ?? []).map(one => above.get(one)).filter(place => place !== undefined);
        return [name, places.length ? places.reduce((sum, place) => sum + place, 0) / places.length : above.size];
      })
    );
    layer.sort((one, other) => (weights.get(one) ?? 0) - (weights.get(other) ?? 0));
  });
  return layers;
}

/** `layers` as columns of the drawing, and whether it is larger from top to bottom in a box of that size. */
export function drawingOf(layers: string[][], width: number, height: number): { columns: string[][]; down: boolean } {
  const count = layers.reduce((sum, layer) => sum + layer.length, 0);
  const longest = Math.max(LONGEST, Math.ceil(Math.sqrt(count)));
  const columns = layers.flatMap(layer => {
    const parts = Math.ceil(layer.length / longest);
    const size = Math.ceil(layer.length / parts);
    return Array.from({ length: parts }, (_, part) => layer.slice(part * size, (part + 1) * size));
  });
  const widest = Math.max(...columns.map(column => column.length));
  const across = { right: NODE.height + BESIDE, down: NODE.width + BESIDE };
  const along = { right: NODE.width + BETWEEN, down: NODE.height + BETWEEN };
  const right = Math.min(1, width / (columns.length * along.right), height / (widest * across.right));
  const down = Math.min(1, width / (widest * across.down), height / (columns.length * along.down));
  return { columns, down: down > right };
}

/** Where each task is drawn if nobody moved one. */
export function arranged({ columns, down }: { columns: string[][]; down: boolean }): Places {
  const along = (down ? NODE.height : NODE.width) + BETWEEN;
  const across = (down ? NODE.width : NODE.height) + BESIDE;
  const widest = Math.max(...columns.map(column => column.length));
  const places: Places = {};
  columns.forEach((column, depth) =>
    column.forEach((name, number) => {
      if (name.startsWith(ROOM)) {
        return;
      }
      const aside = (number + (widest - column.length) / 2) * across;
      places[name] = down ? { x: aside, y: depth * along } : { x: depth * along, y: aside };
    })
  );
  return places;
}

/** The places that people chose, and for tasks that came later the nearest free one to that of `automatic`. */
export function placed(automatic: Places, chosen: Places | null): Places {
  if (chosen === null) {
    return automatic;
  }
  const places: Places = {};
  const names = Object.keys(automatic);
  names.filter(name => chosen[name]).forEach(name => (places[name] = chosen[name] as Place));
  for (const name of names.filter(one => !chosen[one])) {
    places[name] = freePlace(Object.values(places), automatic[name] ?? { x: 0, y: 0 });
  }
  return places;
}

/** `at`, or the first place below it where no task is covered. */
export function freePlace(taken: readonly Place[], at: Place): Place {
  const covers = (one: Place, other: Place) =>
    Math.abs(one.x - other.x) < NODE.width + BESIDE / 2 && Math.abs(one.y - other.y) < NODE.height + BESIDE / 2;
  let place = at;
  while (taken.some(one => covers(one, place))) {
    place = { x: place.x, y: place.y + NODE.height + BESIDE };
  }
  return place;
}

const DIRECTIONS: { [key: string]: Place } = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 }
};

/** The task that an arrow key, Home or End leads to; null for other keys, and where there is none. */
export function taskAfterKey(places: Places, from: string, key: string): string | null {
  const names = Object.keys(places);
  if (key === 'Home' || key === 'End') {
    return names.at(key === 'Home' ? 0 : -1) ?? null;
  }
  const [direction, start] = [DIRECTIONS[key], places[from]];
  let best: { name: string; cost: number } | null = null;
  for (const name of direction && start ? names : []) {
    const place = places[name];
    if (!direction || !start || !place) {
      continue;
    }
    const [x, y] = [place.x - start.x, place.y - start.y];
    const ahead = x * direction.x + y * direction.y;
    const aside = Math.abs(x * direction.y) + Math.abs(y * direction.x);
    // What lies straight ahead comes before what is nearer but aside.
    const cost = ahead + 2 * aside;
    if (ahead > 1 && (best === null || cost < best.cost)) {
      best = { name, cost };
    }
  }
  return best?.name ?? null;
}
