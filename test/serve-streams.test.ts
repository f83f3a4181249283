// How much watches may leave unread, and bodies half-sent.
import { PassThrough } from "node:stream";
import type { IncomingMessage, ServerResponse } from "node:http";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { ApiError } from "stopover/internal/api/errors";
import { EventStream, UnreadEvents } from "stopover/internal/doors/serve/event-stream";
import { Intake } from "stopover/internal/doors/serve/http-intake";

const test = suite("streams");
const KB = 1024;
const chunk = (size: number): Uint8Array => new Uint8Array(size);

/** A client that reads when it is told to. */
function client(all: UnreadEvents) {
  const written: Uint8Array[] = [];
  const heard: string[] = [];
  const stream: EventStream = new EventStream(
    {
      write: (bytes) => written.push(bytes),
      end: () => heard.push("end"),
      cut: () => heard.push("cut"),
    },
    all,
  );
  return { stream, written, heard, reads: (chunks: number) => stream.sent(chunks) };
}

test("a client that reads hears of everything, in order; one that does not is sent no more than fits", () => {
  const all = new UnreadEvents();
  const { stream, written, reads } = client(all);
  const chunks = Array.from({ length: 20 }, () => chunk(100 * KB));
  chunks.forEach((one) => stream.send(one));
  assert.is(written.length, 3, "256 KB are on their way, the rest waits");
  for (let i = 0; i < 20; i++) reads(1);
  assert.equal(
    written.map((one) => chunks.indexOf(one)),
    chunks.map((_, i) => i),
  );
  assert.is(all.bytes, 0);
});

test("what there was at the beginning is made as it is read, and goes before all events", () => {
  const { stream, written, reads } = client(new UnreadEvents());
  let made = 0;
  const beginning = function* () {
    while (made++ < 100) yield chunk(64 * KB);
  };
  stream.begin(beginning());
  const event = chunk(10);
  stream.send(event);
  assert.is(made, 4);
  for (let i = 0; i < 101; i++) reads(1);
  assert.equal([written.length, written.indexOf(event)], [101, 100]);
});

test("one that reads nothing is cut after 4 MB, and nothing of it is kept", () => {
  const all = new UnreadEvents();
  const { stream, heard } = client(all);
  for (let i = 0; i < 50; i++) stream.send(chunk(100 * KB));
  assert.equal([heard, stream.over, all.bytes, all.streams.size], [["cut"], true, 0, 0]);
});

test("one object of 3 MB is no reason to cut anybody", () => {
  const { stream, heard, reads } = client(new UnreadEvents());
  for (let i = 0; i < 10; i++) {
    stream.send(chunk(3000 * KB));
    stream.send(chunk(3000 * KB));
    reads(1);
    reads(1);
  }
  assert.equal(heard, []);
});

test("an event counts once for all who hold it; beyond the limit for all, those furthest behind are cut", () => {
  const all = new UnreadEvents(1000 * KB);
  const shared = Array.from({ length: 10 }, () => client(all));
  const event = chunk(500 * KB);
  for (const { stream } of shared) stream.send(event);
  assert.is(all.bytes, 500 * KB);
  const alone = client(all);
  for (let i = 0; i < 6; i++) alone.stream.send(chunk(100 * KB));
  assert.equal(alone.heard, ["cut"]);
  assert.equal(new Set(shared.flatMap(({ heard }) => heard)), new Set());
});

test("an end waits for what was sent before it; what comes after it is dropped", () => {
  const all = new UnreadEvents();
  const { stream, heard, written, reads } = client(all);
  let cleanUps = 0;
  stream.whenOver(() => cleanUps++);
  for (let i = 0; i < 5; i++) stream.send(chunk(100 * KB));
  stream.end();
  stream.send(chunk(1));
  assert.equal([heard, written.length, cleanUps], [[], 3, 0]);
  reads(1);
  reads(1);
  reads(3);
  stream.cut();
  assert.equal([heard, written.length, cleanUps, all.bytes], [["end"], 5, 1, 0]);
});

// ---- bodies -------------------------------------------------------------------------------------

function sending(intake: Intake) {
  const [request, response] = [new PassThrough(), new PassThrough()];
  const answer = intake
    .read(request as unknown as IncomingMessage, response as unknown as ServerResponse)
    .then(
      (bytes) => bytes.length,
      (error: ApiError) => error.code,
    );
  return { request, response, answer };
}

test("bodies: whole, too large, broken off", async () => {
  const intake = new Intake();
  const [whole, large, broken] = [sending(intake), sending(intake), sending(intake)];
  whole.request.end(chunk(3 * KB * KB));
  large.request.end(chunk(3 * KB * KB + 1));
  broken.request.write(chunk(10));
  broken.request.destroy();
  const answers = await Promise.all([whole.answer, large.answer, broken.answer]);
  assert.equal(answers, [3 * KB * KB, 413, 400]);
});

test("bodies: the one that was silent for longest makes room", async () => {
  const intake = new Intake(1000 * KB);
  const [silent, slow] = [sending(intake), sending(intake)];
  silent.request.write(chunk(400 * KB));
  await new Promise(setImmediate);
  slow.request.write(chunk(400 * KB));
  await new Promise(setImmediate);
  const quick = sending(intake);
  quick.request.end(chunk(400 * KB));
  assert.equal(await Promise.all([silent.answer, quick.answer]), [429, 400 * KB]);
  slow.request.end();
  assert.is(await slow.answer, 400 * KB);
});

test("bodies that are answered take no room", async () => {
  const intake = new Intake(1000 * KB);
  for (let i = 0; i < 10; i++) {
    const { request, response, answer } = sending(intake);
    request.end(chunk(400 * KB));
    assert.is(await answer, 400 * KB);
    response.destroy();
    await new Promise(setImmediate);
  }
});

test.run();
