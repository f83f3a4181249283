import type { Status } from "../../api/client.js";
import { ApiError, internal } from "../../api/errors.js";
import { complain } from "../terminal.js";
import type { ApiRequest } from "./exchange.js";

/**
 * What a client is told of an exception. One that is no answer of the API server's is a mistake of
 * this program: the client gets a 500, and the log a line.
 */
export function statusOf(
  { method, path }: Pick<ApiRequest, "method" | "path">,
  error: unknown,
): Status {
  if (error instanceof ApiError) return error.status;
  const { message, stack = message } = error instanceof Error ? error : new Error(String(error));
  const where = stack.split("\n").slice(0, 2).join(" ");
  complain(`stopover: ${method} /${path.map(encodeURIComponent).join("/")}: ${where}`);
  return internal(message).status;
}
