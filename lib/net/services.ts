/** Names of ports, as /etc/services of Debian has them: those that people meet. */
import type { Transport } from "./packet.js";

const byTransport = {
  tcp: `20 ftp-data, 21 ftp, 22 ssh, 23 telnet, 25 smtp, 53 domain, 80 http, 88 kerberos, 110 pop3,
    111 sunrpc, 143 imap2, 161 snmp, 179 bgp, 389 ldap, 443 https, 465 submissions, 514 shell,
    587 submission, 636 ldaps, 853 domain-s, 873 rsync, 990 ftps, 993 imaps, 995 pop3s,
    1433 ms-sql-s, 2049 nfs, 3306 mysql, 3389 ms-wbt-server, 5222 xmpp-client, 5432 postgresql,
    5671 amqps, 5672 amqp, 6379 redis, 8080 http-alt`,
  udp: `53 domain, 67 bootps, 68 bootpc, 69 tftp, 88 kerberos, 111 sunrpc, 123 ntp, 161 snmp,
    389 ldap, 443 https, 514 syslog, 636 ldaps, 853 domain-s, 2049 nfs, 5353 mdns`,
};

const namesIn = (text: string): ReadonlyMap<number, string> =>
  new Map(
    text.split(",").map((each) => {
      const [port, name] = each.trim().split(" ");
      return [Number(port), name!];
    }),
  );
const names = { tcp: namesIn(byTransport.tcp), udp: namesIn(byTransport.udp) };

/** "http" of 80; undefined where a port has no name. (getservbyport) */
export const serviceName = (port: number, transport: Transport): string | undefined =>
  transport === "SCTP" ? undefined : names[transport === "TCP" ? "tcp" : "udp"].get(port);

/** 80 of "http" and of "80". */
export function portOf(text: string): number | undefined {
  if (/^\d{1,5}$/.test(text)) return Number(text) <= 65_535 ? Number(text) : undefined;
  for (const known of [names.tcp, names.udp])
    for (const [port, name] of known) if (name === text) return port;
  return undefined;
}
