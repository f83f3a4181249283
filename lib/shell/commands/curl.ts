/** curl, as 7.88 prints. (curl.se/docs/manpage.html) */
import type { Act } from "../../machinery/act.js";
import { wishOf } from "./curl/options.js";
import { Session } from "./curl/session.js";
import type { Context } from "../place.js";

export function* curl(context: Context): Act<number> {
  const wish = yield* wishOf(context);
  if (wish.flags.has("version")) {
    yield* context.out("curl 7.88.1 (x86_64-pc-linux-gnu)\n");
    return 0;
  }
  const session = new Session(context, wish);
  let status = 0;
  for (const url of wish.urls) status = yield* session.fetch(url);
  session.close();
  return status;
}
