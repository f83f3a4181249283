/** On which ports a Pod's processes listen, as far as its spec tells. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Listening } from "stopover/internal/node/listening";
import "stopover/internal/node/listening-untold";
import type { Container, Pod } from "stopover";

const test = suite("who listens");
const pod = (...containers: Partial<Container>[]): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p" },
  spec: { containers: containers.map((each, i) => ({ name: `c${i}`, ...each })) },
});
const always = () => true;

const cases: [
  what: string,
  container: Partial<Container>,
  port: number,
  listens: boolean,
  words: RegExp,
][] = [
  [
    "a declared port",
    { image: "x", ports: [{ containerPort: 8000 }] },
    8000,
    true,
    /taken to listen on TCP 8000, since it is declared/,
  ],
  [
    "another one",
    { image: "x", ports: [{ containerPort: 8000 }] },
    9000,
    false,
    /listen on TCP 8000 alone/,
  ],
  [
    "a declared port and another one in its arguments",
    { image: "x", args: ["--port=9000"], ports: [{ containerPort: 8000 }] },
    8000,
    true,
    /since it is declared, though its arguments say --port=9000$/,
  ],
  [
    "a declared port and one for metrics",
    { image: "x", args: ["--metrics-port", "9000"], ports: [{ containerPort: 8000 }] },
    8000,
    true,
    /since it is declared$/,
  ],
  [
    "an interpreter without a program",
    { image: "docker.io/library/python:3.12", ports: [{ containerPort: 8000 }] },
    8000,
    false,
    /has no command, and its image's own, a shell or an interpreter, ends at once/,
  ],
  [
    "a shell that has a terminal",
    { image: "busybox", tty: true, ports: [{ containerPort: 8000 }] },
    8000,
    true,
    /since it is declared/,
  ],
  [
    "somebody's own image of that name",
    { image: "example.com/team/node:1", ports: [{ containerPort: 8000 }] },
    8000,
    true,
    /since it is declared/,
  ],
  ...(
    [
      ["gunicorn -c conf.py app:app", true],
      ["gunicorn app:app", false],
      ["uvicorn app:app --host 0.0.0.0", true],
      ["python -m uvicorn app:app", false],
      ["python manage.py runserver 0.0.0.0:8000", true],
      ["python manage.py runserver", false],
      ["kubectl proxy --address=0.0.0.0", true],
    ] as const
  ).map(([line, listens]): (typeof cases)[number] => [
    line,
    { image: "x", command: ["sh", "-c", line], ports: [{ containerPort: 8000 }] },
    8000,
    listens,
    listens ? /since it is declared/ : /is told no address, and is taken to listen on the loopback/,
  ]),
  [
    "a variable that tells the address",
    {
      image: "x",
      command: ["flask", "run"],
      env: [{ name: "FLASK_RUN_HOST", value: "0.0.0.0" }],
      ports: [{ containerPort: 8000 }],
    },
    8000,
    true,
    /since it is declared/,
  ],
  ...(
    [
      ["PORT", "3000", ", though its environment says PORT=3000"],
      ["PORT", "8000", ""],
      ["HOST", "127.0.0.1", ", though its environment says HOST=127.0.0.1"],
      ["HOST", "0.0.0.0", ""],
      ["NAME", "127.0.0.1", ""],
    ] as const
  ).map(([name, value, said]): (typeof cases)[number] => [
    `the variable ${name}=${value}`,
    { image: "x", env: [{ name, value }], ports: [{ containerPort: 8000 }] },
    8000,
    true,
    new RegExp(`since it is declared${said}$`),
  ]),
  [
    "no word of ports",
    { image: "x" },
    9000,
    true,
    /declares no port: it is taken to listen on every one/,
  ],
  ["a known image", { image: "docker.io/library/nginx:1.27" }, 80, true, /as this image does/],
  ["a known image at another port", { image: "nginx" }, 8080, false, /TCP 80 alone/],
  [
    "a known image that is told another one",
    { image: "hashicorp/http-echo", args: ["-listen=:8080"] },
    8080,
    true,
    /named there/,
  ],
  [
    "the port that it had otherwise",
    { image: "hashicorp/http-echo", args: ["-listen=:8080"] },
    5678,
    false,
    /taken to listen on TCP 8080 alone/,
  ],
  [
    "another port than a probe's",
    { image: "x", readinessProbe: { tcpSocket: { port: 9443 } } },
    8080,
    false,
    /taken to listen on TCP 9443 alone/,
  ],
  [
    "a port in the environment",
    { image: "x", ports: [{ containerPort: 1 }], env: [{ name: "PORT", value: "8080" }] },
    8080,
    true,
    /named there/,
  ],
  [
    "a probe's port, for ports are documentation",
    { image: "x", ports: [{ containerPort: 1 }], readinessProbe: { httpGet: { port: 9443 } } },
    9443,
    true,
    /named there/,
  ],
  [
    "sleep, whose time is in the arguments",
    { image: "nginx", command: ["sleep"], args: ["9999"] },
    80,
    false,
    /runs "sleep", which listens on no port/,
  ],
  ...["DB_PORT", "REDIS_PORT", "WEB_SERVICE_PORT", "TIMEOUT", "PORTS", "port"].map(
    (name): (typeof cases)[number] => [
      `a number in ${name}, which is no port to listen on`,
      { image: "x", ports: [{ containerPort: 1 }], env: [{ name, value: "8080" }] },
      8080,
      false,
      /taken to listen on TCP 1 alone/,
    ],
  ),
  ...["8080/tcp", "http", "", "8", "123456"].map((value): (typeof cases)[number] => [
    `a PORT of "${value}", which is none`,
    { image: "x", ports: [{ containerPort: 1 }], env: [{ name: "PORT", value }] },
    Number(value) || 8080,
    false,
    /taken to listen on TCP 1 alone/,
  ]),
  [
    "sleep",
    { image: "nginx", command: ["sleep", "9999"] },
    80,
    false,
    /runs "sleep", which listens on no port/,
  ],
  [
    "a shell that only waits",
    { image: "busybox", command: ["sh", "-c", "while true; do sleep 3600; done"] },
    80,
    false,
    /listens on no port/,
  ],
  [
    "a shell that does more",
    {
      image: "busybox",
      command: ["sh", "-c", "sleep 5; httpd -f -p 8080"],
      ports: [{ containerPort: 8080 }],
    },
    8080,
    true,
    /declared/,
  ],
];
for (const [what, container, port, listens, words] of cases)
  test(what, () => {
    const one = new Listening(pod(container));
    assert.is(one.on("TCP", port, always), listens);
    const answer = one.explain("TCP", port, always);
    assert.is(answer.listens, listens);
    assert.match(answer.words, words);
  });

for (const [command, port, local] of [
  ["python -m http.server 8000 --bind 127.0.0.1", 8000, true],
  ["gunicorn -b 127.0.0.1:8000 app", 8000, true],
  ["flask run --host=localhost", 8000, true],
  ["prometheus --web.listen-address=127.0.0.1:8000", 8000, true],
  ["prometheus --web.listen-address=127.0.0.1:9090", 8000, false],
  ["redis-server --bind 127.0.0.1 --bind 0.0.0.0", 8000, false],
  ["server --upstream http://127.0.0.1:8000", 8000, false],
  ["server --redis localhost:6379", 8000, false],
  ["sh -c 'exec uvicorn app:app --host 127.0.0.1 --port 8000'", 8000, true],
] as const)
  test(`${command} is ${local ? "for the Pod alone" : "for everybody"}`, () => {
    const one = new Listening(
      pod({ image: "x", command: command.split(" "), ports: [{ containerPort: 8000 }] }),
    );
    assert.is(one.on("TCP", port, always), !local);
    assert.is(one.explain("TCP", port, always).isCertain, local);
  });

test("who would listen and does not run is named, whether it has ended or never began", () => {
  const of = pod({ image: "nginx" }, { image: "x", ports: [{ containerPort: 8000 }] });
  const answer = new Listening(of).explain("TCP", 8000, (name) => name === "c0");
  assert.equal(
    [answer.listens, answer.field, answer.words, answer.isCertain],
    [false, "spec.containers[1]", "does not run", true],
  );
});

test("a sidecar that idles takes nothing from who listens", () => {
  const one = new Listening(pod({ image: "x" }, { image: "y", command: ["sleep", "1"] }));
  assert.ok(one.on("TCP", 8080, always));
  assert.not.ok(one.on("TCP", 8080, (name) => name !== "c0"));
});

test.run();
