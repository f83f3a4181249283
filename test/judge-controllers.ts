/**
 * This kit's controllers and scheduler in the place of the real ones, and kubelets that a script
 * plays, for a kube-apiserver elsewhere: `node judge-controllers.js`, with its address and a token
 * in KUBE_APISERVER and TOKEN. (judge-apiserver.ts starts it.)
 */
import "stopover/internal/apiserver/admission-plugins";
import "stopover/internal/controllers/workloads";
import { HttpClient } from "stopover/internal/doors/serve/http-client";
import { kubeControllerManager, kubeScheduler } from "stopover/internal/controllers/manager";
import { Random } from "stopover/internal/machinery/random";
import { RealClock } from "stopover/internal/machinery/real-clock";
import { ScriptedKubelet } from "./scripted-kubelet.js";

const remote = {
  url: process.env["KUBE_APISERVER"]!,
  token: process.env["TOKEN"]!,
  insecureSkipTLSVerify: true, // its certificate is its own, made a moment ago
};
const clock = new RealClock();
const connect = (who: string) => new HttpClient({ ...remote, who, clock });
const surroundings = { clock, random: new Random(1), connect, identity: "control-plane-1" };
kubeControllerManager({ ...surroundings, clusterCIDRs: ["10.1.0.0/16"] }).start();
kubeScheduler(surroundings).start();
for (const number of [1, 2, 3])
  new ScriptedKubelet(connect(`kubelet-${number}`), clock, number).start();
console.log("running");
