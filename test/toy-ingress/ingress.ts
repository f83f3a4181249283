/**
 * A proxy in a Pod, as an Ingress controller's would be: it looks at Host and path, rewrites Host,
 * and asks a Service in its own name. It knows nothing of packets, and packets know nothing of it.
 */
import type { HttpRequest, Onward, OwnAnswer, Proxy } from "stopover/internal/net/proxy";

export interface Route {
  host: string;
  /** The beginning of the path. */
  path: string;
  /** Where to: "http://web:8080". The path goes with it. */
  backend: string;
  /** The Host that the backend sees. */
  hostThere: string;
}

export function hostRouter(routes: readonly Route[]): Proxy {
  return {
    passOn({ host, path }: HttpRequest): Onward | OwnAnswer {
      const name = host.replace(/:\d+$/, "");
      const route = routes.find((each) => each.host === name && path.startsWith(each.path));
      if (!route) return { answers: "404 Not Found" };
      return {
        url: route.backend + path,
        host: route.hostThere,
        rule: `${route.host}${route.path} -> ${route.backend}`,
        object: "Route default/shop",
      };
    },
  };
}
