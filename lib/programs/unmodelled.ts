/**
 * Tools of which it is known that an image has them, and which are not modelled: whoever calls one
 * is told so, instead of that there is none. A container's own command is another matter: it is
 * taken to run (containers.ts). (their Dockerfiles)
 */
import { imageName } from "../node/listening.js";
import type { Container } from "../objects/types.js";
import type { Command } from "../shell/place.js";

const tools: Readonly<Record<string, string>> = {
  "postgres postgis postgresql timescaledb pgvector":
    "psql pg_isready pg_dump pg_dumpall pg_restore pg_basebackup pg_ctl pg_config pgbench initdb createdb createuser dropdb postgres vacuumdb",
  "mysql percona percona-server":
    "mysql mysqladmin mysqldump mysqld mysqlsh mysqlcheck mysqlimport",
  "mariadb mariadb-galera":
    "mariadb mariadb-admin mariadb-dump mariadbd mariadb-check mysql mysqladmin mysqldump mysqld",
  "mongo mongodb":
    "mongosh mongo mongod mongos mongodump mongorestore mongoexport mongoimport mongostat",
  "redis valkey": "redis-server redis-benchmark redis-sentinel valkey-server valkey-benchmark",
  memcached: "memcached",
  rabbitmq: "rabbitmqctl rabbitmq-diagnostics rabbitmq-plugins rabbitmq-server rabbitmqadmin",
  "kafka cp-kafka":
    "kafka-topics.sh kafka-topics kafka-console-producer.sh kafka-console-producer kafka-console-consumer.sh kafka-console-consumer kafka-consumer-groups.sh kafka-consumer-groups",
  zookeeper: "zkServer.sh zkCli.sh",
  cassandra: "cqlsh nodetool cassandra",
  elasticsearch: "elasticsearch elasticsearch-cli",
  etcd: "etcd etcdctl etcdutl",
  consul: "consul",
  vault: "vault",
  influxdb: "influx influxd",
  prometheus: "prometheus promtool",
  grafana: "grafana grafana-cli grafana-server",
  minio: "minio mc",
  "nginx nginx-unprivileged": "nginx nginx-debug njs envsubst",
  httpd: "httpd apachectl ab htpasswd",
  haproxy: "haproxy",
  traefik: "traefik",
  caddy: "caddy",
  envoy: "envoy",
  node: "node npm npx yarn",
  python: "python python3 pip pip3",
  golang: "go gofmt",
  ruby: "ruby irb gem bundle",
  "php wordpress": "php php-fpm",
  "openjdk eclipse-temurin amazoncorretto": "java javac jcmd jps jstack jmap keytool",
  tomcat: "java catalina.sh",
  kubectl: "kubectl",
  alpine: "apk",
  "debian ubuntu": "apt apt-get apt-cache dpkg perl",
  netshoot:
    "nmap iperf iperf3 mtr tshark socat ethtool bridge drill fping termshark ngrep iftop tcptraceroute traceroute arping nping swaks websocat ctop openssl ssh telnet strace jq vim",
};

const byImage = new Map<string, Set<string>>();
for (const [images, names] of Object.entries(tools))
  for (const image of images.split(" ")) byImage.set(image, new Set(names.split(" ")));

/** The tool of an image by its name or path; undefined: the image is not known to have it. */
export function unmodelledIn({ image = "" }: Container, program: string): Command | undefined {
  const name = program.replace(/^.*\/(?=[^/]+$)/, "");
  return byImage.get(imageName(image))?.has(name) ? notModelled(name, image) : undefined;
}

const NOT_MODELLED = 1;

const notModelled = (name: string, image: string): Command =>
  function* (context) {
    yield* context.err(
      `stopover: the image ${image} has ${name}, but it is not modelled here: ` +
        "what it would do, or print, is not known\n",
    );
    return NOT_MODELLED;
  };
