/** `date`'s formats. */
const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months =
  "January February March April May June July August September October November December".split(
    " ",
  );

/** strftime in UTC, the zone of containers. */
export function dated(format: string, now: number): string {
  const at = new Date(now);
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = at.getUTCHours();
  const [day, month] = [days[at.getUTCDay()]!, months[at.getUTCMonth()]!];
  const yearBegan = Date.UTC(at.getUTCFullYear(), 0, 1);
  const make = (letter: string): string => {
    switch (letter) {
      case "Y":
        return String(at.getUTCFullYear());
      case "y":
        return two(at.getUTCFullYear() % 100);
      case "C":
        return two(Math.floor(at.getUTCFullYear() / 100));
      case "m":
        return two(at.getUTCMonth() + 1);
      case "d":
        return two(at.getUTCDate());
      case "e":
        return String(at.getUTCDate()).padStart(2);
      case "H":
        return two(hours);
      case "I":
        return two(hours % 12 || 12);
      case "M":
        return two(at.getUTCMinutes());
      case "S":
        return two(at.getUTCSeconds());
      case "N":
        return String((now % 1000) * 1_000_000).padStart(9, "0");
      case "s":
        return String(Math.floor(now / 1000));
      case "p":
        return hours < 12 ? "AM" : "PM";
      case "Z":
        return "UTC";
      case "z":
        return "+0000";
      case "a":
        return day.slice(0, 3);
      case "A":
        return day;
      case "b":
      case "h":
        return month.slice(0, 3);
      case "B":
        return month;
      case "u":
        return String(at.getUTCDay() || 7);
      case "w":
        return String(at.getUTCDay());
      case "j":
        return String(Math.floor((now - yearBegan) / 86_400_000) + 1).padStart(3, "0");
      case "n":
        return "\n";
      case "t":
        return "\t";
      case "%":
        return "%";
      case "F":
        return dated("%Y-%m-%d", now);
      case "T":
      case "X":
        return dated("%H:%M:%S", now);
      case "R":
        return dated("%H:%M", now);
      case "D":
      case "x":
        return dated("%m/%d/%y", now);
      case "r":
        return dated("%I:%M:%S %p", now);
      case "c":
        return dated("%a %b %e %H:%M:%S %Y", now);
      default:
        return `%${letter}`;
    }
  };
  return format.replace(
    /%([-0_]?)(3?)(\w|%)/g,
    (_all, flag: string, three: string, letter: string) => {
      const text = three === "3" && letter === "N" ? make("N").slice(0, 3) : make(letter);
      return flag === "-" ? text.replace(/^[0 ]+(?=\d)/, "") : text;
    },
  );
}
