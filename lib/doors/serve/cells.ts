/** What cells of kubectl's tables say, whatever the kind. (kubernetes: pkg/printers) */
import type { KubeObject } from "../../objects/types.js";

const none = "<none>";

export interface Column {
  name: string;
  type: "string" | "integer" | "date";
  format: string;
  description: string;
  /** 1: shown by -o wide only. */
  priority: number;
}

export const age = (object: KubeObject, now: number): string =>
  since(object.metadata.creationTimestamp, now);
export const since = (time: string | undefined, now: number): string =>
  time ? humanDuration(now - Date.parse(time)) : "<unknown>";

/** 90s, 5m30s, 3h20m, 2d5h: two units at most, and only where the second one says something. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const two = (big: number, bigUnit: string, small: number, smallUnit: string) =>
    `${big}${bigUnit}${small > 0 ? `${small}${smallUnit}` : ""}`;
  const [minutes, hours, days] = [
    Math.floor(seconds / 60),
    Math.floor(seconds / 3600),
    Math.floor(seconds / 86_400),
  ];
  const years = Math.floor(days / 365);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return two(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return two(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  if (hours < 192) return two(days, "d", hours % 24, "h");
  if (days < 730) return `${days}d`;
  return years < 8 ? two(years, "y", days % 365, "d") : `${years}y`;
}

// ---- cells --------------------------------------------------------------------------------------

export const labelText = (labels: Record<string, string> | undefined): string =>
  Object.entries(labels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(",") || none;

export function few(all: readonly string[], whenEmpty: string, max = 3): string {
  if (all.length === 0) return whenEmpty;
  return all.slice(0, max).join(",") + (all.length > max ? ` + ${all.length - max} more...` : "");
}
