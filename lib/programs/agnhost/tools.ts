/** agnhost's sub-commands that serve nobody: connect, dns-suffix, dns-server-list, etc-hosts. */
import { sleep, within, type Act } from "../../machinery/act.js";
import { duration } from "../../machinery/duration.js";
import { readAddress } from "../../net/ip.js";
import type { Connection } from "../../shell/network/connection.js";
import type { Failed } from "../../shell/network/refusals.js";
import type { Command, Context } from "../../shell/place.js";
import { addressOf, errors } from "./dial.js";
import { flag, klogLine } from "./given.js";

/** The words of the first line of /etc/resolv.conf that begins so, with commas. (dns/common.go) */
const fromResolvConf = (name: string): Command =>
  function* (context) {
    const lines = context.place.files.read("/etc/resolv.conf").split("\n");
    const found = lines.find((line) => line.startsWith(name));
    yield* context.out(`${(found ?? "").split(" ").slice(1).join(",")}\n`);
    return 0;
  };

function* etcHosts(context: Context): Act<number> {
  yield* context.out(`${context.place.files.read("/etc/hosts")}\n`);
  return 0;
}

/** Opens a connection, and says in one word why there is none. (connect.go) */
function* connect(context: Context): Act<number> {
  const { place, args } = context;
  const words = args.slice(1);
  const said = { words };
  const to = words.find((word) => !word.startsWith("--")) ?? "";
  const [, host, port] = /^\[?([^\]]*?)\]?:([^:]+)$/.exec(to) ?? [];
  const fails = function* (text: string): Act<number> {
    yield* context.err(`${text}\n`);
    return 1;
  };
  if (host === undefined || !(Number(port) > 0 && Number(port) < 65_536))
    return yield* fails(`UNKNOWN: address ${to}: missing port in address`);
  const address = readAddress(host)?.text ?? addressOf(place, host);
  if (address === undefined) return yield* fails(`DNS: lookup ${host}: no such host`);
  const patience = flag(said, "timeout");
  const ms = patience === undefined || patience === "0" ? undefined : duration(patience);
  const protocol = flag(said, "protocol") ?? "tcp";
  if (protocol !== "tcp" && protocol !== "udp") return yield* fails("Unsupported protocol");
  const target = { address, port: Number(port) };
  const asking: Act<Connection | Failed | { answer: string | undefined }> =
    protocol === "tcp"
      ? place.network.connect(target)
      : place.network.ask(target, `${flag(said, "udp-data") ?? "hostname"}\n`);
  const answer = yield* ms === undefined ? asking : within(place.acts.clock, ms, asking);
  if (answer === undefined) return yield* fails("TIMEOUT");
  if ("failed" in answer) {
    if (answer.failed === "ETIMEDOUT") return yield* fails("TIMEOUT");
    if (answer.failed === "ECONNREFUSED") return yield* fails("REFUSED");
    return yield* fails(`OTHER: dial ${protocol} ${to}: connect: ${errors[answer.failed]}`);
  }
  if ("close" in answer) answer.close();
  else if (answer.answer === undefined) return yield* fails("TIMEOUT");
  return 0;
}

/** So many lines in so long a time, as an API server's log has them. (logs_generator.go) */
function* logsGenerator(context: Context): Act<number> {
  const { place, process, args } = context;
  const said = { words: args.slice(1) };
  const total = Number(flag(said, "log-lines-total") ?? 0);
  const ms = duration(flag(said, "run-duration") ?? "0s");
  if (!(total > 0) || !(ms > 0)) {
    yield* context.err(`Invalid total number of lines or duration: ${total}, ${ms}ms\n`);
    return 1;
  }
  const one = <T>(list: readonly T[]): T => list[Math.floor(place.random() * list.length)]!;
  const { clock } = place.acts;
  for (let id = 0; id < total; id++) {
    const pod = Array.from({ length: one([3, 4]) }, () => one([..."bcdfghjklmnpqrstvwxz2456789"]));
    const url = `/api/v1/namespaces/${one(["kube-system", "default", "ns"])}/pods/${pod.join("")}`;
    const status = 200 + Math.floor(place.random() * 400);
    const line = `${id} ${one(["GET", "POST", "PUT"])} ${url} ${status}`;
    yield* context.err(klogLine(clock.now(), process.pid, "logs_generator.go:76", line));
    yield* sleep(clock, ms / total);
  }
  return 0;
}

export const tools: Readonly<Record<string, Command>> = {
  connect,
  "dns-suffix": fromResolvConf("search"),
  "dns-server-list": fromResolvConf("nameserver"),
  "etc-hosts": etcHosts,
  "logs-generator": logsGenerator,
};
