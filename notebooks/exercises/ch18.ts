import type { Cluster, Service } from "stopover";
import { hint, isCluster, right } from "./answers.js";
import type { Exercise } from "./exercise.js";

export const ch18: Exercise[] = [
  {
    id: "18.1",
    judge(answer) {
      const given = /1?\.?(\d\d)$/.exec(String(answer).trim())?.[1];
      if (given === "36")
        return right(
          "Its names are labels of RFC 1123 since then, as those of other objects. Before that a name had to begin with a letter.",
        );
      if (given === "34")
        return hint("There it could be switched on. In which version is it on by itself?");
      return hint("The table of what each version takes has a column for it.");
    },
  },
  {
    id: "18.2",
    judge(answer) {
      const given = String(answer).toLowerCase();
      if (/iptables/.test(given))
        return right("It warns that nobody set one. The default is planned to change in 1.40.");
      if (/nftables/.test(given))
        return hint("That one is recommended. What does the warning of 1.37 say?");
      if (/ipvs/.test(given)) return hint("That one is deprecated, and was never the default.");
      return hint("Read the warning that kube-proxy of 1.37 gives.");
    },
  },
  { id: "18.3", judge: hasMoreRanges },
];

function hasMoreRanges(cluster: Cluster) {
  if (!isCluster(cluster))
    return hint("Hand in the cluster itself: the object that createCluster answered.");
  const kinds = cluster.list("ServiceCIDR" as "Service") as readonly unknown[] as readonly Range[];
  if (kinds.length === 0)
    return hint("There is no ServiceCIDR. Does the cluster have `systemObjects: true`?");
  const own = kinds.find(({ metadata }) => metadata.name === "kubernetes");
  if (own?.spec.cidrs.includes("10.9.0.0/24"))
    return hint("That is the Services' own range here. Add one to another.");
  const more = kinds.filter(({ spec }) => spec.cidrs.some((cidr) => cidr.startsWith("10.9.")));
  if (more.length === 0) return hint("No ServiceCIDR has 10.9.0.0/24.");
  const inIt = ({ spec }: Service): boolean => /^10\.9\.0\./.test(spec.clusterIP ?? "");
  if (cluster.list("Service").some(inIt))
    return right("The API server asks all ranges that are ready, its own first.");
  return hint(
    "No Service has an address of it yet. Ask for one by spec.clusterIP, after the range is ready.",
  );
}

interface Range {
  metadata: { name: string };
  spec: { cidrs: string[] };
}
