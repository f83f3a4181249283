/**
 * An API server that is killed (-9) when it has claimed a Service's numbers and is about to write
 * the Service: `node killed-while-creating.js ETCD NODEPORT`. (Not a test: store-etcd.test.ts
 * starts it.)
 */
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import { EtcdStore } from "stopover/internal/doors/serve/etcd";
import { Random } from "stopover/internal/machinery/random";
import { RealClock } from "stopover/internal/machinery/real-clock";
import type { KubeObject } from "stopover/internal/objects/types";
import { service } from "./apiserver-harness.js";

const [url, nodePort] = process.argv.slice(2);
if (url?.startsWith("http")) {
  const store = new (class extends EtcdStore {
    override put(key: string, value: KubeObject, expected?: number) {
      if (key.startsWith("/registry/services/specs/")) process.kill(process.pid, "SIGKILL");
      return super.put(key, value, expected);
    }
  })(url);
  const apiserver = new ApiServer({
    clock: new RealClock(),
    random: new Random(process.pid).next,
    store,
  });
  apiserver.create(
    service("killed", { type: "NodePort", ports: [{ port: 80, nodePort: Number(nodePort) }] }),
  );
}
