/** `why` against its corpus: the right first cause of every fault, alone and two at a time. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Diagnosis, Door } from "stopover";
import { whyText } from "stopover/internal/why/text";
import { isFailing } from "stopover/internal/why/why";
import { both, diagnosisOf, faults, fits, pairs, together } from "./why-corpus.js";

/** The first door of that kind that does not answer. */
function failingDoor({ doors }: Diagnosis, kind: string): Door | undefined {
  return doors.find(({ door, disposition }) => door === kind && disposition !== "delivered");
}

for (const each of faults)
  for (const form of each.forms ?? both)
    test(`${each.fault}, as a ${form}: ${each.says}`, () => {
      const diagnosis = diagnosisOf(each, form);
      const { door, cause } = each.expect;
      const found = failingDoor(diagnosis, door);
      assert.ok(found, `the door ${door} answers:\n${whyText(diagnosis)}`);
      assert.ok(isFailing(diagnosis), "nothing fails that should answer");
      const { object, field, value, sentence } = found.cause!;
      const said = `${object}, ${field}: ${String(value)}\n${whyText(diagnosis)}`;
      assert.ok(fits(cause.object, object) && field === cause.field, said);
      if (cause.value !== undefined) assert.is(String(value), String(cause.value), said);
      const isOfStatus = /^status\.|policyTypes$/.test(field);
      if (value !== null && !isOfStatus)
        assert.ok(sentence.includes(String(value)), `the sentence names the value: ${sentence}`);
    });

for (const pair of pairs) {
  const each = together(pair);
  for (const form of each.forms ?? both)
    test(`two at a time: ${each.fault}, as a ${form}`, () => {
      const diagnosis = diagnosisOf(each, form);
      const found = failingDoor(diagnosis, pair.door);
      assert.ok(found, `the door ${pair.door} answers:\n${whyText(diagnosis)}`);
      const fields = found.causes.map(({ field }) => field);
      const [first, second] = pair.causes;
      assert.is(fields[0], first, whyText(diagnosis));
      assert.ok(
        fields.includes(second!),
        `${second} is not among ${fields.join(", ")}\n${whyText(diagnosis)}`,
      );
    });
}

test.run();
