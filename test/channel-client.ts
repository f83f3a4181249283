/** A client of exec and attach: a WebSocket whose messages begin with a channel's number. */
import { execFileSync } from "node:child_process";
import { WebSocket } from "ws";
import type { Status } from "stopover/internal/api/client";
import { lacking } from "./needs.js";

export interface Ended {
  protocol: string;
  stdout: string;
  stderr: string;
  status: Status | undefined;
}

export interface Asked {
  /** Called once it is open. */
  stdin?: (send: (channel: number, bytes: string | number[]) => void) => void;
  /** Called with all that came so far, each time that more has come. */
  heard?: (stdout: string, send: (channel: number, bytes: string) => void) => void;
  tty?: boolean;
  protocols?: string[];
}

/** Until its end; rejects with the answer's code and text where no WebSocket is opened. */
export function talk(url: string, asked: Asked = {}): Promise<Ended> {
  const { stdin, protocols = ["v5.channel.k8s.io"], heard } = asked;
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace("http", "ws"), protocols);
    const got: Record<number, string> = {};
    const send = (channel: number, bytes: string | number[]): void =>
      socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(bytes as string)]));
    socket.on("open", () => stdin?.(send));
    socket.on("message", (data: Buffer) => {
      got[data[0]!] = (got[data[0]!] ?? "") + data.subarray(1).toString();
      if (data[0] === 1) heard?.(got[1]!, send);
    });
    socket.on("close", () =>
      resolve({
        protocol: socket.protocol,
        stdout: got[1] ?? "",
        stderr: got[2] ?? "",
        status: got[3] === undefined ? undefined : (JSON.parse(got[3]) as Status),
      }),
    );
    socket.on("unexpected-response", (_request, response) => {
      let text = "";
      response.on("data", (chunk) => (text += String(chunk)));
      response.on("end", () =>
        reject(new Error(`${response.statusCode} ${(JSON.parse(text) as Status).message}`)),
      );
    });
    socket.on("error", reject);
  });
}

/** WebSockets are kubectl's way since 1.31; Debian's 1.20 asks for SPDY. */
export function tooOld(kubectl: string): string[] {
  if (lacking(kubectl).length > 0) return [];
  const text = execFileSync(kubectl, ["version", "--client", "--output=json"], {
    encoding: "utf8",
  });
  const { clientVersion } = JSON.parse(text) as { clientVersion: { minor: string } };
  const minor = Number.parseInt(clientVersion.minor, 10);
  return minor >= 31 ? [] : [`kubectl 1.${minor} speaks no WebSocket; 1.31 does`];
}
