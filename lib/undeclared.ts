/**
 * Pods in a node's own network that declare no port, as kube-proxy and most network plugins: they
 * are not taken to listen on every port of the node, but where a Service leads to them.
 */
import type { Packet, Transport } from "./net/packet.js";
import type { Sandbox } from "./node/machine.js";
import type { EndpointSlice } from "./objects/types.js";
import type { ListOf, Network } from "./journey/network.js";

/** Lets a network know the Services' endpoints. */
export function undeclared(network: Network, list: ListOf): void {
  network.takes = ({ basis: { assumed } }, pod, packet) => {
    if (isKnown(pod, packet) || isEndpoint(list("EndpointSlice") as EndpointSlice[], pod, packet))
      return true;
    const sentence = `is in its node's network and declares no port: it is taken not to listen on ${packet.protocol} ${packet.destinationPort}, where it is no Service's endpoint`;
    const object = `Pod ${pod.key}`;
    if (!assumed.some((one) => one.sentence === sentence))
      assumed.push({ object, field: "spec.containers[0].ports", sentence });
    return false;
  };
}

/** One that may listen on all listens on the last one, too, which nobody ever names. */
const isKnown = (pod: Sandbox, { protocol, destinationPort }: Packet): boolean =>
  pod.sockets.has(`${protocol} ${destinationPort}`) || !pod.listens(protocol as Transport, 65_535);

const isEndpoint = (slices: readonly EndpointSlice[], pod: Sandbox, packet: Packet): boolean =>
  slices.some(
    ({ metadata, ports = [], endpoints }) =>
      ports.some(
        ({ port, protocol = "TCP" }) =>
          port === packet.destinationPort && protocol === packet.protocol,
      ) &&
      endpoints.some(
        ({ targetRef, addresses }) =>
          // one that somebody wrote by hand names an address alone
          (!targetRef && addresses.includes(String(packet.destination))) ||
          `${targetRef?.namespace ?? metadata.namespace}/${targetRef?.name}` === pod.key,
      ),
  );
