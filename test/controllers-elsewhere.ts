/**
 * Two controllers in a process of their own: `node controllers-elsewhere.js URL` runs the
 * EndpointSlice and the service controller against the API server at URL. (Not a test:
 * controllers-http.test.ts starts it.)
 */
import { HttpClient } from "stopover/internal/doors/serve/http-client";
import { aws } from "stopover/internal/cloud/aws";
import { serviceController } from "stopover/internal/cloud/service-controller";
import { endpointSliceController } from "stopover/internal/controllers/endpointslice";
import { context, run } from "stopover/internal/machinery/controller";
import { Random } from "stopover/internal/machinery/random";
import { RealClock } from "stopover/internal/machinery/real-clock";
import type { Surroundings } from "stopover/internal/machinery/controller";

/** The same wiring in any process: the test uses it in its own as well. */
export function runControllers(surroundings: Surroundings): void {
  const provider = aws()({ clock: surroundings.clock, random: surroundings.random });
  for (const [i, name] of ["node-a", "node-b", "node-c"].entries())
    provider.launch({ name, addresses: [`192.168.0.${i + 1}`] });
  for (const [name, make] of [
    ["endpointslice-controller", endpointSliceController],
    [
      "service-controller",
      (ours: Parameters<typeof serviceController>[0]) => serviceController(ours, provider),
    ],
  ] as const) {
    const ours = context(name, surroundings);
    run(make(ours), ours);
    ours.informers.start();
  }
}

const url = process.argv[2];
if (url?.startsWith("http")) {
  const clock = new RealClock();
  runControllers({
    clock,
    random: new Random(1),
    connect: (who) => new HttpClient({ url, who, clock }),
  });
  console.log("running");
}
