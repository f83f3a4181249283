/** At which of a node's addresses `why` takes NodePorts to be served: as kube-proxy's rules do. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { kubernetes } from "stopover/internal/objects/kubernetes";
import { readConfiguration } from "stopover/internal/node/proxy/configuration";
import { servesNodePorts } from "stopover/internal/why/node-port-addresses";

const own = ["192.168.0.1", "10.0.0.1", "fd00:192::1", "fd00:10::1"];
const loopback = ["127.0.0.1", "::1"];

for (const [nodePortAddresses, served] of [
  [[], [...own, ...loopback]],
  [["primary"], ["192.168.0.1", "fd00:192::1"]],
  [["10.0.0.0/8"], ["10.0.0.1", "fd00:192::1", "fd00:10::1", "::1"]],
  [
    ["10.0.0.0/8", "fd00:10::/64"],
    ["10.0.0.1", "fd00:10::1"],
  ],
  [["0.0.0.0/0"], [...own, ...loopback]],
  [["all"], [...own, ...loopback]],
  [["localhost"], loopback],
  [
    ["primary", "localhost"],
    ["192.168.0.1", "fd00:192::1", ...loopback],
  ],
] as const)
  test(`nodePortAddresses [${nodePortAddresses.join(", ")}]: ${served.join(", ")}`, () => {
    const config = readConfiguration({ nodePortAddresses }, kubernetes("1.37"));
    const found = [...own, ...loopback].filter((each) => servesNodePorts(config, own, each));
    assert.equal(found, served);
  });

test("a node without an address of the family: all that are asked answer", () => {
  const config = readConfiguration({ nodePortAddresses: ["primary"] });
  assert.ok(servesNodePorts(config, ["192.168.0.1"], "::1"));
});

test.run();
