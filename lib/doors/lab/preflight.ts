/** What the lab needs of the machine, and what to do about each thing that is missing. */
import { spawnSync } from "node:child_process";

/**
 * Program -> the package that holds it, with Debian's and Ubuntu's names, and Fedora's where they
 * differ.
 */
const tools: Readonly<Record<string, string>> = {
  ip: "iproute2 (Fedora: iproute)",
  bridge: "iproute2 (Fedora: iproute)",
  "iptables-nft-restore": "iptables (Fedora: iptables-nft)",
  "xtables-monitor": "iptables (Fedora: iptables-nft)",
  nft: "nftables",
  conntrack: "conntrack (Fedora: conntrack-tools)",
  dnsmasq: "dnsmasq-base (Fedora: dnsmasq)",
  haproxy: "haproxy",
  stdbuf: "coreutils",
};

/** One line for each thing that is missing; none where the lab can run. */
export function preflight(): string[] {
  if (process.platform !== "linux")
    return [
      `the lab is made of Linux network namespaces, and this is ${process.platform}: run it on Linux, for example in a virtual machine (multipass, lima, WSL 2)`,
    ];
  if (process.getuid?.() !== 0)
    return ["the lab makes network namespaces, which needs root: run it with sudo"];
  const missing = Object.entries(tools)
    .filter(([tool]) => !found(tool))
    .map(([tool, pack]) => `${tool} is missing: install ${pack}`);
  return missing.length > 0 ? missing : unusable();
}

const found = (tool: string): boolean =>
  spawnSync("sh", ["-c", 'command -v "$0"', tool], { stdio: "ignore" }).status === 0;

/**
 * Root in a container may still not be allowed to make a namespace, or the kernel may lack
 * nf_tables.
 */
function unusable(): string[] {
  const { status, stderr, error } = spawnSync("unshare", ["--net", "iptables-nft-save"], {
    encoding: "utf8",
  });
  return status === 0
    ? []
    : [
        `this root cannot make a network namespace with nf_tables (${(error?.message ?? stderr.trim().split("\n")[0]) || "unshare failed"}): in a container, run it with --privileged`,
      ];
}
