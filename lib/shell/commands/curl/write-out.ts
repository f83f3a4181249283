/** What curl -w shows of a transfer. */
import type { Connection } from "../../network/connection.js";
import { headerOf, type Head } from "../../network/http.js";

/** A transfer, as far as it has come; its times are milliseconds. */
export interface Info {
  code: string;
  url: string;
  began: number;
  connecting?: number;
  connected?: number;
  connection?: Connection;
  head?: Head;
  size?: number;
}

export function writtenOut(template: string, info: Info, now: number, connects: number): string {
  const seconds = (ms: number): string => (ms / 1000).toFixed(6);
  const known: Record<string, string> = {
    http_code: info.code,
    response_code: info.code,
    url_effective: info.url,
    remote_ip: info.connection?.remote.address ?? "",
    remote_port: String(info.connection?.remote.port ?? 0),
    local_ip: info.connection?.local.address ?? "",
    local_port: String(info.connection?.local.port ?? 0),
    time_total: seconds(now - info.began),
    time_connect: seconds(info.connected === undefined ? 0 : info.connected - info.began),
    size_download: String(info.size ?? 0),
    content_type: headerOf(info.head?.headers ?? [], "content-type") ?? "",
    num_connects: String(connects),
  };
  return template
    .replace(/%\{(\w+)\}/g, (whole, name: string) => known[name] ?? whole)
    .replace(/\\([nrt])/g, (_all, letter: string) => ({ n: "\n", r: "\r", t: "\t" })[letter]!);
}
