/**
 * What `stopover --help` and `stopover COMMAND --help` print: of each command what it does, its
 * options with their defaults, and examples that work as they stand.
 */

interface Help {
  /** One sentence. */
  does: string;
  usage: string;
  options: readonly [option: string, means: string][];
  examples: readonly [command: string, gives: string][];
}

const files: Help["options"] = [
  ["-f FILE, --filename FILE", "FILES may also be told so; may be said again"],
];
const cluster: Help["options"] = [
  ...files,
  [
    "--cloud NAME",
    "whose load balancers there are: aws, nlb, nlb-ip, gcp, gcp-neg, octavia, metallb-l2, metallb-bgp, kube-vip, none (aws)",
  ],
  ["--nodes N", "how many nodes, if the manifests name none (3)"],
  [
    "--families ipv4[,ipv6]",
    "which addresses the cluster has, first one first (as its Services ask)",
  ],
  ["--seed N", "another seed, other choices and names (1)"],
  [
    "--proxy-mode iptables|nftables|ipvs",
    "how kube-proxies write their rules (as their configuration says, else iptables)",
  ],
  ["--kubernetes 1.33…1.37", "which Kubernetes it is (1.35)"],
  ["--outside NAME=IP[:PORT]", "a host on the internet beside them; may be said again"],
  ["--strict", "refuse all where one document cannot be taken (it is left out, and told)"],
];
const dump: Help["options"] = [
  [
    "--snapshot",
    "take the objects as they are, status included, and run no controllers: for a dump",
  ],
];
const told: Help["options"] = [
  ["--all", "every way it can go, each with its exact probability"],
  ["--output text|json|mermaid|lanes", "lanes: the rules of each node, hook by hook (text)"],
];
const from: Help["options"] = [
  ["--from internet|IP|node/NAME|pod/NAMESPACE/NAME", "who asks (internet)"],
];

const commands: Readonly<Record<string, Help>> = {
  journey: {
    does: "Follows a request from its URL to a process, and the answer back.",
    usage: "stopover journey [FILES] [OPTIONS]",
    options: [
      ["--url URL", "what is asked for (the files' own Service)"],
      ...from,
      ...told,
      ...dump,
      ...cluster,
    ],
    examples: [
      ["stopover journey", "the article's request, hop by hop and rule by rule"],
      ["stopover journey --all", "every way it can go"],
      ["stopover journey my.yaml --url http://web/ --from pod/default/client", "from a Pod"],
      [
        "stopover dump > cluster.json; stopover journey cluster.json --snapshot --url http://web.prod/",
        "in a cluster of yours",
      ],
    ],
  },
  why: {
    does: "Tries each door of a Service, and says of those that fail the first cause and what to change.",
    usage: "stopover why [FILES] [SERVICE | --url URL] [OPTIONS]",
    options: [
      ["SERVICE", "NAME or NAMESPACE/NAME (all Services, failing ones first)"],
      ["-n NAMESPACE, --namespace NAMESPACE", "where SERVICE is, or whose Services (default; all)"],
      ["--url URL", "what is asked for, as a door of the Service that it is meant for"],
      ["--from internet|IP|node/NAME|pod/NAMESPACE/NAME", "who asks (each door's usual client)"],
      ["--output text|json", "(text)"],
      ...dump,
      ...cluster,
    ],
    examples: [
      [
        "stopover why my.yaml web",
        "the Service web: its name, load balancer, nodes, address and Pods",
      ],
      [
        "stopover dump > cluster.json; stopover why cluster.json web --snapshot",
        "in a cluster of yours; exit 0 if all doors answer that should, else 1",
      ],
    ],
  },
  packet: {
    does: "Follows one bare packet that arrives at a node, or leaves it.",
    usage: "stopover packet FILES --node NAME --from IP[:PORT] --to IP:PORT [OPTIONS]",
    options: [
      ["--node NAME", "the node that it arrives at; with --from one of its own addresses, leaves"],
      ["--from IP[:PORT]", "its source"],
      ["--to IP:PORT", "its destination"],
      ["--protocol tcp|udp|sctp|icmp", "icmp: a ping, and --to has no port (tcp)"],
      [
        "--rules FILE",
        "in place of FILES and --node: what iptables-save, nft list ruleset or nft -j list ruleset printed; - is standard input",
      ],
      ["--node-address IP", "with --rules: an address of that node; may be said again"],
      ["--pods CIDR", "with --rules: where its Pods are; may be said again"],
      ...told,
      ...dump,
      ...cluster,
    ],
    examples: [
      [
        "stopover packet notebooks/manifests --node node-a --from 203.0.113.9 --to 192.168.0.1:30519",
        "what a node does with a knock at its NodePort",
      ],
      [
        "iptables-save | stopover packet --rules - --node-address 192.168.0.1 --from 203.0.113.9 --to 192.168.0.1:30519",
        "the same on a node of yours, by its rules alone",
      ],
    ],
  },
  rules: {
    does: "Prints the rules that kube-proxy writes on a node.",
    usage: "stopover rules [FILES] --node NAME [OPTIONS]",
    options: [
      ["--node NAME", "whose rules"],
      [
        "--format restore|save",
        "what iptables-restore is given, or what iptables-save shows (restore)",
      ],
      [
        "--format list|transaction",
        "with --proxy-mode nftables: what nft lists, or what it is given (list)",
      ],
      ["--ip-family ipv4|ipv6", "(ipv4; with --proxy-mode nftables, both)"],
      ["--nfacct", "with kube-proxy's counters of nfacct"],
      ["--no-random-fully", "for kernels that lack --random-fully"],
      ...dump,
      ...cluster,
    ],
    examples: [
      ["stopover rules --node node-a", "the article's Service, as rules"],
      ["stopover rules --node node-a --format save", "as iptables-save prints them"],
      ["stopover rules --node node-a --proxy-mode nftables", "as nft list ruleset prints them"],
    ],
  },
  serve: {
    does: "Is the API server on this machine's loopback address, for kubectl and client libraries.",
    usage: "stopover serve [FILES] [OPTIONS]",
    options: [
      ["--port N", "0 takes any that is free (8001)"],
      ["--store memory|etcd=URL[,URL]…", "where the objects are kept (memory)"],
      [
        "--etcd-cacert FILE, --etcd-cert FILE, --etcd-key FILE",
        "for an etcd on https; or ETCDCTL_*",
      ],
      ["--service-cidr CIDR[,CIDR]", "the range of ClusterIPs"],
      ["--no-controllers", "the API server alone"],
      ["--missing-image IMAGE", "one that no registry has; may stand several times"],
      [
        "--expose",
        "opens each load balancer's ports on 127.0.0.1, for a browser or curl, and tells each request's way",
      ],
      ...cluster,
    ],
    examples: [
      ["stopover serve", "then: kubectl --server http://127.0.0.1:8001 get pods"],
      ["stopover serve --store etcd=http://127.0.0.1:2379", "the objects outlive the process"],
    ],
  },
  dump: {
    does: "Writes what verdicts on a cluster's Services rest on, read with your own kubectl (it is asked for `get` alone).",
    usage: "stopover dump [FILES] [OPTIONS]",
    options: [
      ["FILES", "a dump that is at hand, in place of the cluster; - is standard input"],
      ...files,
      ["--kubeconfig FILE", "kubectl's (its own default)"],
      ["--context NAME", "which cluster of it (the current one)"],
      ["--anonymise", "other names and addresses, so that the verdict stays the same"],
      ["--key WORD", "with --anonymise: the same word makes the same names (random)"],
      ["--names FILE", "with --anonymise: writes what became of what, for you alone"],
    ],
    examples: [
      ["stopover dump > cluster.json", "then: stopover why cluster.json web --snapshot"],
      [
        "stopover dump --anonymise --names names.tsv > cluster.json",
        "to show to somebody; Secrets and environment variables stay out of both",
      ],
    ],
  },
  lab: {
    does: "Builds the cluster from network namespaces and sends the request through a real kernel (Linux, root).",
    usage: "stopover lab [FILES] [OPTIONS]",
    options: [["--url URL", "what is asked for"], ...from, ...cluster],
    examples: [
      ["sudo npx stopover lab", "the kernel's trace beside ours"],
      ["sudo npx stopover lab --proxy-mode nftables", "the same of nft's rules"],
    ],
  },
};

/** One command's page, in lines of at most `columns`; undefined where there is none. */
export function helpOf(name: string, columns = Infinity): string | undefined {
  const help = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!help) return undefined;
  return [
    filled(help.usage, 4, columns),
    "",
    filled(help.does, 0, columns),
    "",
    "options",
    ...help.options.map(([option, means]) => row(option, means, columns)),
    "",
    "examples",
    ...help.examples.map(([command, gives]) => below(command, gives, columns)),
  ].join("\n");
}

/** An option and what it means: beside it where there is room, else below it. */
function row(option: string, means: string, columns: number): string {
  const beside = 28;
  if (option.length > beside || columns < 70) return below(option, means, columns);
  return `  ${option.padEnd(beside)} ${filled(means, beside + 3, columns)}`;
}

const below = (what: string, means: string, columns: number): string =>
  `  ${what}\n      ${filled(means, 6, columns)}`;

/** Words in lines that end before the window does; all but the first begin with the indent. */
function filled(text: string, indent: number, columns: number): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1)!;
    if (last && indent + last.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}
