import type { Resources } from '../contract';

const UNITS: { [unit: string]: number } = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40
};

export const DEFAULT_RESOURCES: Resources = { cpu_millicores: 500, memory_bytes: 2 ** 30 };

/** CPU in millicores from `500m`, `2`, `0.5` (the Kubernetes notation); null if it is none above zero. */
export function parseCpu(text: string): number | null {
  const found = /^(?:(\d+)m|(\d+(?:\.\d+)?))$/.exec(text.trim());
  const millicores = found ? (found[1] ? Number(found[1]) : Math.round(Number(found[2]) * 1000)) : 0;
  return millicores || null;
}

/** Memory in bytes from `512Mi`, `1Gi`, `2G` (the Kubernetes notation); null if it is none above zero. */
export function parseMemory(text: string): number | null {
  const found = /^(\d+(?:\.\d+)?)(k|M|G|T|Ki|Mi|Gi|Ti)?B?$/.exec(text.trim());
  const size = found ? Math.trunc(Number(found[1]) * (UNITS[found[2] ?? ''] ?? 1)) : 0;
  return size || null;
}

/** `500m`, `2`: the shortest exact form that `parseCpu` reads. */
export function formatCpu(millicores: number): string {
  return millicores % 1000 === 0 ? String(millicores / 1000) : `${millicores}m`;
}

/** `1Gi`, `512Mi`, `1000`: the shortest exact form that `parseMemory` reads. */
export function formatMemory(bytes: number): string {
  for (const unit of ['Ti', 'Gi', 'Mi', 'Ki']) {
    const size = UNITS[unit] ?? 1;
    if (bytes && bytes % size === 0) {
      return `${bytes / size}${unit}`;
    }
  }
  return String(bytes);
}

/** `256Mi`, `23.5Gi`: an amount of memory for reading, rounded, in the units in which it is asked for. */
export function readableMemory(bytes: number): string {
  const unit = ['Ti', 'Gi', 'Mi', 'Ki'].find(one => bytes >= (UNITS[one] ?? 1));
  if (unit === undefined) {
    return String(bytes);
  }
  const size = bytes / (UNITS[unit] ?? 1);
  return `${size >= 100 ? Math.round(size) : Number(size.toFixed(1))}${unit}`;
}

/** `14.2 MB`: bytes for reading, rounded, in decimal units as file managers and registries show them. */
export function readableBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : Number(size.toFixed(1))} ${units[unit] ?? ''}`;
}
