/** tcpdump and conntrack -E: what passes at a place while somebody looks on. */
import type { Cluster } from "stopover";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { helloCluster } from "./shell-harness.js";

/** A Service that nobody is behind. */
const empty = `
apiVersion: v1
kind: Service
metadata: { name: empty }
spec: { selector: { app: nobody }, ports: [{ port: 80 }] }
`;
const made = (): Cluster => helloCluster({}, empty);

const ip = (cluster: Cluster, name: string): string => cluster.pod(name).sandbox.ips[0]!;

interface Look {
  at: "client" | "web" | "node-a" | "node-b" | "internet";
  script: string;
}

/** What is printed at a place while the client's script runs, a second later. */
async function seen(cluster: Cluster, { at, script }: Look, then: string): Promise<string[]> {
  const place = /^node-/.test(at)
    ? cluster.node(at)
    : at === "internet"
      ? cluster.internet
      : cluster.pod(at);
  const [looked] = await Promise.all([
    place.sh(`timeout 5 ${script}`),
    cluster.pod("client").sh(`sleep 1; ${then}`),
  ]);
  return looked.stdout.split("\n").filter((line) => line !== "");
}

const test = suite("who looks on");

test("a request through a Service, as its client sees it", async () => {
  const cluster = made();
  const lines = await seen(
    cluster,
    { at: "client", script: "tcpdump -n port 80" },
    "curl -s http://10.2.1.1/",
  );
  const own = `10.1.1.2.N > 10.2.1.1.80`;
  const other = `10.2.1.1.80 > 10.1.1.2.N`;
  const masked = lines.map((line) =>
    line
      .replace(/^\S+ IP /, "")
      .replace(/10\.1\.1\.2\.\d+/, "10.1.1.2.N")
      .replace(/(seq|ack) \d{4,}/g, "$1 X")
      .replace(/TS val \d+ ecr \d+/, "TS"),
  );
  assert.equal(masked, [
    `${own}: Flags [S], seq X, win 64240, options [mss 1460,sackOK,TS,nop,wscale 7], length 0`,
    `${other}: Flags [S.], seq X, ack X, win 65160, options [mss 1460,sackOK,TS,nop,wscale 7], length 0`,
    `${own}: Flags [.], ack 1, win 502, options [nop,nop,TS], length 0`,
    `${own}: Flags [P.], seq 1:73, ack 1, win 502, options [nop,nop,TS], length 72: HTTP: GET / HTTP/1.1`,
    `${other}: Flags [.], ack 73, win 509, options [nop,nop,TS], length 0`,
    `${other}: Flags [P.], seq 1:123, ack 73, win 509, options [nop,nop,TS], length 122: HTTP: HTTP/1.1 200 OK`,
    `${own}: Flags [.], ack 123, win 502, options [nop,nop,TS], length 0`,
    `${own}: Flags [F.], seq 73, ack 123, win 502, options [nop,nop,TS], length 0`,
    `${other}: Flags [F.], seq 123, ack 74, win 509, options [nop,nop,TS], length 0`,
    `${own}: Flags [.], ack 124, win 502, options [nop,nop,TS], length 0`,
  ]);
});

test("the node sees it come with the Service's address and go with the Pod's", async () => {
  const cluster = made();
  const look = {
    at: "node-a",
    script: "tcpdump -n -i any 'tcp[tcpflags] & tcp-syn != 0'",
  } as const;
  const lines = await seen(cluster, look, "curl -s http://web/");
  const ways = lines.map((line) =>
    line
      .replace(/^\S+ (\S+) +(In|Out) +IP (\S+) > (\S+): .*/, "$1 $2 $3 $4")
      .replace(/veth\w+/, "veth"),
  );
  const port = /10\.1\.1\.2\.(\d+)/.exec(lines[0]!)![1]!;
  const [pod, service, web] = [`10.1.1.2.${port}`, "10.2.1.1.80", `${ip(cluster, "web")}.8080`];
  assert.equal(ways, [
    `veth In ${pod} ${service}`,
    `eth0 Out ${pod} ${web}`,
    `eth0 In ${web} ${pod}`,
    `veth Out ${service} ${pod}`,
  ]);
});

const said = (lines: readonly string[]): string[] =>
  lines.map((line) =>
    line
      .replace(/^\S+ /, "")
      .replace(/\.(3|4|5|6)\d{4}\b/g, ".N")
      .replace(/, options.*(, length)/, "$1"),
  );

test("who says no is seen, and who says nothing", async () => {
  const cluster = made();
  const web = ip(cluster, "web");
  const look = { at: "client", script: "tcpdump -n not port 53" } as const;
  const [syn, reset] = said(await seen(cluster, look, `curl -s ${web}:99`));
  assert.match(
    syn!,
    /^IP 10\.1\.1\.2\.N > 10\.1\.2\.2\.99: Flags \[S\], seq \d+, win 64240, length 0$/,
  );
  assert.match(
    reset!,
    /^IP 10\.1\.2\.2\.99 > 10\.1\.1\.2\.N: Flags \[R\.\], seq 0, ack \d+, win 0, length 0$/,
  );
  const [, rejected] = said(await seen(cluster, look, "curl -s empty"));
  assert.match(
    rejected!,
    /^IP 10\.1\.1\.1 > 10\.1\.1\.2: ICMP 10\.2\.\d+\.\d+ tcp port 80 unreachable, length 68$/,
  );
  assert.is((await seen(cluster, look, "curl -s -m 2 10.1.2.99")).length, 2);
  assert.equal(
    said(await seen(cluster, look, `ping -c 1 ${web}`)).map((line) =>
      line.replace(/id \d+/, "id N"),
    ),
    [
      `IP 10.1.1.2 > ${web}: ICMP echo request, id N, seq 1, length 64`,
      `IP ${web} > 10.1.1.2: ICMP echo reply, id N, seq 1, length 64`,
    ],
  );
});

test("names are asked for, and shown unless -n is said", async () => {
  const cluster = made();
  const asked = await seen(
    cluster,
    { at: "client", script: "tcpdump -nt udp port 53" },
    "curl -s web",
  );
  assert.equal(
    asked.map((line) => line.replace(/.*: \d+/, "")),
    [
      "+ A? web.default.svc.cluster.local. (47)",
      "+ AAAA? web.default.svc.cluster.local. (47)",
      "*- 1/0/0 A 10.2.1.1 (92)",
      "*- 0/1/0 (140)",
    ],
  );
  const [named] = await seen(
    cluster,
    { at: "client", script: "tcpdump -t -c 1 tcp" },
    "curl -s web",
  );
  assert.match(named!, /^IP client\.\d+ > web\.default\.svc\.cluster\.local\.http: Flags \[S\]/);
});

test("filters choose, -c ends it, a mistake is said", async () => {
  const cluster = made();
  const filtered = async (filter: string): Promise<number> =>
    (await seen(cluster, { at: "client", script: `tcpdump -n ${filter}` }, "curl -s 10.2.1.1"))
      .length;
  assert.is(await filtered("src host 10.2.1.1 and tcp"), 4);
  assert.is(await filtered("dst net 10.2.0.0/16 && port http"), 6);
  assert.is(await filtered("'port 53 or (udp and portrange 1-99)'"), 0);
  assert.is(await filtered("-c 3 not host 10.9.9.9"), 3);
  assert.is(await filtered("-Q out"), 6);
  const { stderr, exitCode } = await cluster
    .pod("client")
    .sh("tcpdump -i nope; tcpdump 'foo bar'; tcpdump -X; tcpdump ether host x; tcpdump -c 0");
  assert.is(exitCode, 1);
  assert.is(
    stderr,
    "tcpdump: nope: No such device exists\n(No such device exists)\n" +
      "tcpdump: can't parse filter expression: syntax error\n" +
      "tcpdump: -X is not modelled here; -n, -i, -c, -t, -q, -Q and filters are\n" +
      'tcpdump: filter "ether" is not modelled here\ntcpdump: invalid packet count 0\n',
  );
});

test("looking on changes nothing: the same seed prints the same", async () => {
  const script =
    "curl -s web; for i in 1 2 3; do curl -s -w '%{local_port} ' web; done; ping -c 2 web";
  const alone = await made().pod("client").sh(`sleep 1; ${script}`);
  const cluster = made();
  const [looked] = await Promise.all([
    cluster.pod("client").sh(`sleep 1; ${script}`),
    cluster.node("node-a").sh("timeout 20 tcpdump -ni any; true"),
  ]);
  assert.is(looked.output, alone.output);
});

test("conntrack -E tells each state of a connection, and its end", async () => {
  const cluster = made();
  const look = { at: "node-a", script: "conntrack -E" } as const;
  const lines = await seen(cluster, look, `curl -s web; curl -s ${ip(cluster, "web")}:99`);
  assert.equal(
    lines.map((line) =>
      line
        .replace(/ src=.*? sport=\d+ dport=(\d+)/, " $1")
        .replace(/ src=\S+ dst=\S+ sport=\d+ dport=\d+/, ""),
    ),
    [
      "    [NEW] tcp      6 120 SYN_SENT 80 [UNREPLIED]",
      " [UPDATE] tcp      6 60 SYN_RECV 80",
      " [UPDATE] tcp      6 432000 ESTABLISHED 80 [ASSURED]",
      " [UPDATE] tcp      6 120 FIN_WAIT 80 [ASSURED]",
      " [UPDATE] tcp      6 30 LAST_ACK 80 [ASSURED]",
      " [UPDATE] tcp      6 120 TIME_WAIT 80 [ASSURED]",
      "    [NEW] tcp      6 120 SYN_SENT 99 [UNREPLIED]",
      "[DESTROY] tcp      6 120 CLOSE 99 [UNREPLIED]",
    ],
  );
  const [events] = await Promise.all([
    cluster.node("node-a").sh("timeout 200 conntrack -E -p icmp -e NEW,DESTROY"),
    cluster.pod("client").sh("sleep 1; ping -c 1 10.1.2.2"),
  ]);
  assert.match(
    events.stdout,
    /^ {4}\[NEW\] icmp {5}1 30 src=10\.1\.1\.2 dst=10\.1\.2\.2 type=8 code=0 id=\d+ \[UNREPLIED\] src=10\.1\.2\.2 dst=10\.1\.1\.2 type=0 code=0 id=\d+\n\[DESTROY\] icmp {5}1 src=[^\n]*\n$/,
  );
});

test.run();
