import type { Mermaid } from "./picture.js";
import { Flow } from "./flow.js";

/** Where in the article's third figure each chapter takes place: the map of the book. */
export function bookMap(): Mermaid {
  const flow = new Flow("TB", 40);
  flow.group("outside", "cluster", ["on the internet"], () => {
    flow
      .node("dns", "dns", ["DNS", "01 the question"])
      .node("user", "client", [
        "a user",
        "06 the request, there and back",
        "13 why nobody answers",
        "15 what people ask",
      ])
      .node("lb", "stop1", [
        "Stop-over 1",
        "load balancer",
        "04 who makes it",
        "16 the other kinds",
      ]);
  });
  flow.group("control plane", "cluster", ["the control plane"], () => {
    flow.node("api", "component", [
      "API server",
      "02 the Service is created",
      "10 watching all of them",
    ]);
    flow.node("ccm", "component", ["cloud-controller-manager", "04 leader election"]);
    flow.node("kcm", "component", ["kube-controller-manager", "00 Deployments,", "03 endpoints"]);
  });
  flow.group("node", "node", ["on each node · 12 the same on a real kernel"], () => {
    flow.node("proxy", "node", ["kube-proxy", "05 how they connect,", "17 in nftables"]);
    flow.node("door", "stop2", ["Stop-over 2: NodePort", "03 what it is,", "08 who sees whom"]);
    flow.node("vip", "stop3", ["Stop-over 3: ClusterIP", "09 reading the rules,", "11 their cost"]);
    flow.node("pod", "pod", ["Pods", "00 where they come from,", "07 when they change"]);
  });
  flow.node("article", "cluster", [
    "the article",
    "14 sentence by sentence",
    "18 what changed since",
  ]);
  flow
    .edge("user", "dns")
    .edge("user", "lb", { path: true })
    .edge("lb", "door", { path: true })
    .edge("door", "vip", { path: true })
    .edge("vip", "pod", { path: true });
  flow
    .edge("ccm", "lb")
    .edge("api", "ccm", { reply: true })
    .edge("api", "kcm", { reply: true })
    .edge("api", "proxy", { reply: true })
    .edge("proxy", "vip");
  return flow.picture("Where each chapter takes place");
}
