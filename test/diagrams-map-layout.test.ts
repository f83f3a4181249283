/**
 * Nothing on the map overlaps, and nothing is cut off: measured for 1 to 6 nodes with 0 to 12 Pods,
 * with short and with long names, in both shapes; and for ways of every kind.
 */
import { map, matrix } from "@stopover/diagrams";
import { fit, widthOf } from "@stopover/diagrams/internal/svg/measure";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { KubeObject, Outcomes } from "stopover";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  boxesOf,
  inside,
  overlap,
  platesOf,
  pointsAlong,
  sizeOf,
  textsOf,
} from "./diagrams-map-geometry.js";
import { listing, outcomes as sampleOutcomes } from "./diagrams-sample.js";
import { scenes } from "./diagrams-map-scenes.js";

const shapes = ["svg", "stacked"] as const;

/** What overlaps or is cut off in a picture; nothing, if it is right. */
function faults(svg: string): string[] {
  const { width, height } = sizeOf(svg);
  const page = { is: "the page", x: 0, y: 0, w: width, h: height };
  const [texts, boxes] = [textsOf(svg), boxesOf(svg)];
  const found: string[] = [];
  texts.forEach((text, i) => {
    if (!inside(text, page)) found.push(`"${text.is}" leaves the page`);
    for (const other of texts.slice(i + 1))
      if (overlap(text, other)) found.push(`"${text.is}" lies on "${other.is}"`);
    if (/^[123]$/.test(text.is)) return; // a plate sits on the corner of what it names
    // a notch sits on its node's edge
    const notch = boxes.find((box) => /^(door|eth) /.test(box.is) && inside(text, box));
    for (const box of boxes)
      if (overlap(text, box) && !inside(text, box) && !(notch && box.is.startsWith("node ")))
        // a letter's disc may sit on the bar's edge
        if (!(/^[a-z]$/.test(text.is) && box.is.startsWith("bar")))
          found.push(`"${text.is}" crosses ${box.is}`);
  });
  for (const plate of platesOf(svg))
    for (const text of texts)
      if (overlap(text, plate) && !inside(text, plate))
        found.push(`${plate.is} lies on "${text.is}"`);
  const solid = boxes.filter(({ is }) => !/^(node|bar|no node)/.test(is));
  solid.forEach((box, i) => {
    if (!inside(box, page, 1)) found.push(`${box.is} leaves the page`);
    for (const other of solid.slice(i + 1))
      if (overlap(box, other)) found.push(`${box.is} lies on ${other.is}`);
  });
  const nodes = boxes.filter(({ is }) => is.startsWith("node "));
  for (const [i, node] of nodes.entries())
    for (const other of nodes.slice(i + 1))
      if (overlap(node, other)) found.push(`${node.is} lies on ${other.is}`);
  for (const pod of boxes.filter(({ is }) => is.startsWith("pod ")))
    if (
      ![...nodes, ...boxes.filter(({ is }) => is === "no node")].some((node) => inside(pod, node))
    )
      found.push(`${pod.is} is in no node`);
  return found;
}

// ---- many clusters, as plain objects ----

const long = (name: string) =>
  `${name}.with-a-very-long-name-that-somebody-gave-it.ap-south-1.compute.internal`;

function objects(nodes: number, pods: number, names: "short" | "long"): KubeObject[] {
  const name = (text: string) => (names === "long" ? long(text) : text);
  const node = (i: number) => name(`node-${"abcdef"[i]}`);
  const ready = (i: number) => ["True", "False", "Unknown"][i % 3]!;
  const made: KubeObject[] = Array.from({ length: nodes }, (_, i) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: node(i) },
    spec: {},
    status: {
      addresses: [
        {
          type: "InternalIP",
          address: names === "long" ? `fd00:10:20:30:40:50:60:${i}` : `192.168.0.${i + 1}`,
        },
      ],
      conditions: names === "long" ? [{ type: "Ready", status: ready(i) }] : [],
    },
  }));
  made.push({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: name("nginx"), namespace: "default" },
    spec: {
      type: "LoadBalancer",
      clusterIP: names === "long" ? "fd00:aaaa:bbbb:cccc:dddd:eeee:ffff:1" : "10.2.1.1",
      externalTrafficPolicy: names === "long" ? "Local" : "Cluster",
      ports: [{ port: 8080, nodePort: 30519 }],
    },
    status: {
      loadBalancer: { ingress: [{ hostname: name("1234.ap-south-1.elb.amazonaws.com") }] },
    },
  } as KubeObject);
  made.push({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    addressType: "IPv4",
    metadata: {
      name: "slice",
      namespace: "default",
      labels: { "kubernetes.io/service-name": name("nginx") },
    },
    ports: [{ port: 80 }],
    endpoints: Array.from({ length: pods }, (_, i) => ({
      addresses: [`10.1.${i % nodes}.${i + 2}`],
      ...(i % 5 < 4 && { nodeName: node(i % nodes) }),
      conditions: { ready: i % 3 !== 1, terminating: i % 7 === 4 },
      targetRef: { kind: "Pod", name: name(`nginx-7d8c7dc949-${i}`) },
    })),
  } as KubeObject);
  return made;
}

for (const names of ["short", "long"] as const)
  for (let nodes = 1; nodes <= 6; nodes++)
    test(`${nodes} nodes with ${names} names, 0 to 12 Pods: nothing overlaps, nothing is cut`, () => {
      for (let pods = 0; pods <= 12; pods++) {
        const picture = map(listing(objects(nodes, pods, names)));
        for (const shape of shapes)
          assert.equal(faults(picture[shape]), [], `${pods} Pods, ${shape}`);
      }
    });

test("beyond six nodes and twelve Pods the rest is summed up", () => {
  const many = objects(6, 12, "short");
  for (let i = 0; i < 94; i++) many.push({ ...many[0]!, metadata: { name: `other-${i}` } });
  const picture = map(listing(many), { pods: 7 });
  for (const shape of shapes) {
    assert.equal(faults(picture[shape]), [], shape);
    assert.match(picture[shape], /94 more nodes/);
    assert.match(picture[shape], /1 more Pod</);
  }
});

// ---- ways ----

for (const [name, scene] of Object.entries(scenes)) {
  test(`${name}: nothing overlaps, and no line runs through words`, () => {
    const { cluster, options } = scene();
    const picture = map(cluster, options);
    for (const shape of shapes) {
      const svg = picture[shape];
      assert.equal(faults(svg), [], shape);
      const line = (["there", "back"] as const).flatMap((way) => pointsAlong(svg, way));
      // those of boxes that lie on top of the lines are safe
      const covered = boxesOf(svg).filter(({ is }) =>
        /^(pod |client|dns|more nodes|ClusterIP)/.test(is),
      );
      const balancer = (is: string) => /load balancer|amazonaws|ap-south|198\.51/.test(is);
      const letters = /^[a-z]$/;
      for (const text of textsOf(svg)) {
        if (balancer(text.is) || letters.test(text.is) || /^[123]$/.test(text.is)) continue;
        if (covered.some((box) => inside(text, box))) continue;
        const [x0, x1, y0, y1] = [text.x, text.x + text.w, text.y + 1, text.y + text.h - 1];
        const hit = line.find(({ x, y }) => x > x0 && x < x1 && y > y0 - 1 && y < y1 + 1);
        assert.is(hit, undefined, `${shape}: a line runs through "${text.is}"`);
      }
    }
  });
}

test("a matrix of any size: no number is cut, nothing overlaps", () => {
  for (const nodes of [1, 3, 6])
    for (const pods of [1, 3, 12, 25]) {
      const grid: Outcomes = { request: sampleOutcomes.request, outcomes: [] };
      for (let i = 0; i < nodes; i++)
        for (let j = 0; j < pods; j++)
          grid.outcomes.push({
            ...sampleOutcomes.outcomes[0]!,
            probability: 1 / (nodes * pods),
            pod: `default/nginx-7d8c7dc949-${j}xyz`,
            node: `node-${j % nodes}`,
            hops: [{ ...sampleOutcomes.outcomes[0]!.hops[3]!, name: `node-${i}` }],
          });
      const picture = matrix(grid);
      for (const shape of shapes) {
        assert.equal(faults(picture[shape]), [], `${nodes} x ${pods}, ${shape}`);
        const cells = textsOf(picture[shape]).filter(({ is }) => /^\d|^always/.test(is));
        assert.is(cells.length, nodes * pods);
      }
    }
});

// ---- letters ----

test("widths are those of the font that the PNGs are drawn in", () => {
  const require = createRequire(import.meta.url);
  const fontkit = require("fontkit") as {
    openSync(file: string): {
      unitsPerEm: number;
      glyphForCodePoint(code: number): { advanceWidth: number };
    };
  };
  const file = join(dirname(require.resolve("svgdom")), "fonts/OpenSans-Regular.ttf");
  const font = fontkit.openSync(file);
  for (let code = 32; code < 127; code++) {
    const { advanceWidth } = font.glyphForCodePoint(code);
    const real = (advanceWidth * 14) / font.unitsPerEm;
    const ours = widthOf(String.fromCharCode(code));
    assert.ok(ours >= real && ours < real + 0.02, String.fromCharCode(code));
  }
});

test("what is cut keeps both of its ends", () => {
  const name = "nginx-with-a-very-long-name-7d8c7dc949-tmrnd";
  assert.match(fit(name, 120), /^ngin.*….*mrnd$/);
  assert.is(fit("short", 120), "short");
  assert.is(fit(name, 3), "…");
});

test.run();
