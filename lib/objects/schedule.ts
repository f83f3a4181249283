/**
 * What is wrong with a CronJob's schedule, in the words of the library that Kubernetes reads it
 * with; undefined: nothing. (github.com/robfig/cron: parser.go)
 */
export function scheduleProblem(schedule: string): string | undefined {
  const text = schedule.replace(/^(?:CRON_)?TZ=\S+ /, "").trim();
  if (text.startsWith("@")) return descriptorProblem(text);
  const parts = text.split(/\s+/).filter(Boolean);
  if (parts.length !== bounds.length)
    return `expected exactly 5 fields, found ${parts.length}: [${parts.join(" ")}]`;
  for (const [i, part] of parts.entries())
    for (const range of part.split(",").filter(Boolean)) {
      const problem = rangeProblem(range, bounds[i]!);
      if (problem !== undefined) return problem;
    }
  return undefined;
}

const descriptors = new Set(
  "@yearly @annually @monthly @weekly @daily @midnight @hourly".split(" "),
);

function descriptorProblem(text: string): string | undefined {
  if (descriptors.has(text)) return undefined;
  const every = /^@every (.*)$/.exec(text)?.[1];
  if (every === undefined) return `unrecognized descriptor: ${text}`;
  return /^[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+)$/.test(every)
    ? undefined
    : `failed to parse duration ${text}: time: invalid duration ${JSON.stringify(every)}`;
}

interface Bounds {
  min: number;
  max: number;
  names?: readonly string[];
}
const bounds: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: "jan feb mar apr may jun jul aug sep oct nov dec".split(" ") },
  { min: 0, max: 6, names: "sun mon tue wed thu fri sat".split(" ") },
];

/** "1-5", "mon", "*" with a step */
function rangeProblem(range: string, { min, max, names = [] }: Bounds): string | undefined {
  const [lowAndHigh = "", ...steps] = range.split("/");
  const [low = "", ...highs] = lowAndHigh.split("-");
  const numberOf = (word: string): number | string => {
    const place = names.indexOf(word.toLowerCase());
    return place < 0 ? whole(word) : place + min;
  };
  const isAll = low === "*" || low === "?";
  const start = isAll ? min : numberOf(low);
  if (typeof start === "string") return start;
  if (!isAll && highs.length > 1) return `too many hyphens: ${range}`;
  let end = isAll ? max : highs.length === 0 ? start : numberOf(highs[0]!);
  if (typeof end === "string") return end;
  if (steps.length > 1) return `too many slashes: ${range}`;
  const step = steps.length === 0 ? 1 : whole(steps[0]!);
  if (typeof step === "string") return step;
  if (steps.length === 1 && highs.length === 0) end = max;
  if (start < min) return `beginning of range (${start}) below minimum (${min}): ${range}`;
  if (end > max) return `end of range (${end}) above maximum (${max}): ${range}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${range}`;
  return step === 0 ? `step of range should be a positive number: ${range}` : undefined;
}

/** A number, or why it is none. */
function whole(word: string): number | string {
  if (!/^[+-]?\d+$/.test(word))
    return `failed to parse int from ${word}: strconv.Atoi: parsing ${JSON.stringify(word)}: invalid syntax`;
  const number = Number(word);
  return number < 0 ? `negative number (${number}) not allowed: ${word}` : number;
}
