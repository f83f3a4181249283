// A DNS server that answers for the scene's names as CoreDNS does with the plugin kubernetes:
// with authority, without recursion, options echoed, and its SOA where it has nothing.
import { createSocket } from "node:dgram";

const web = "web.default.svc.cluster.local";
/** @type {Record<string, [type: number, data: Buffer][]>} */
const records = {
  [web]: [
    [1, Buffer.from([10, 2, 1, 1])],
    [33, srv(80, web)],
  ],
  "empty.default.svc.cluster.local": [[1, Buffer.from([10, 2, 1, 2])]],
  [`_http._tcp.${web}`]: [[33, srv(80, web)]],
  "1.1.2.10.in-addr.arpa": [[12, nameBytes(web)]],
};

function nameBytes(/** @type {string} */ name) {
  const labels = name
    .split(".")
    .filter(Boolean)
    .map((each) => Buffer.concat([Buffer.from([each.length]), Buffer.from(each)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}
function srv(/** @type {number} */ port, /** @type {string} */ target) {
  return Buffer.concat([Buffer.from([0, 0, 0, 100, port >> 8, port & 255]), nameBytes(target)]);
}
function record(
  /** @type {string} */ name,
  /** @type {number} */ type,
  /** @type {Buffer} */ data,
) {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(30, 4);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([nameBytes(name), head, data]);
}
const times = Buffer.alloc(20);
[1, 7200, 1800, 86400, 30].forEach((each, i) => times.writeUInt32BE(each, 4 * i));
const soa = record(
  "cluster.local",
  6,
  Buffer.concat([nameBytes("ns.dns.cluster.local"), nameBytes("hostmaster.cluster.local"), times]),
);

const socket = createSocket("udp4");
socket.on("message", (question, from) => {
  const labels = [];
  let at = 12;
  for (let length = question[at]; length; length = question[at]) {
    labels.push(question.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const name = labels.join(".").toLowerCase();
  const type = question.readUInt16BE(at + 1);
  const asked = question.subarray(12, at + 5);
  const rest = question.subarray(at + 5);
  const found = (records[name] ?? []).filter(([each]) => each === type);
  const isKnown =
    records[name] !== undefined || Object.keys(records).some((each) => each.endsWith(`.${name}`));
  const isOurs = name.endsWith("cluster.local") || name.endsWith("in-addr.arpa");
  const head = Buffer.alloc(12);
  question.copy(head, 0, 0, 2);
  const isAuthority = found.length === 0 && name.endsWith("cluster.local");
  head.writeUInt16BE(
    0x8000 | (question.readUInt16BE(2) & 0x0100) | (isOurs ? 0x0400 : 0x0080) | (isKnown ? 0 : 3),
    2,
  );
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(found.length, 6);
  head.writeUInt16BE(isAuthority ? 1 : 0, 8);
  head.writeUInt16BE(question.readUInt16BE(10), 10);
  const answers = found.map(([each, data]) => record(name, each, data));
  socket.send(
    Buffer.concat([head, asked, ...answers, ...(isAuthority ? [soa] : []), rest]),
    from.port,
    from.address,
  );
});
socket.bind(53, "10.2.0.10");
