import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { load, YAMLException } from "js-yaml";
import type { Remote } from "./remote.js";

/**
 * How to reach an API server, out of a kubeconfig: what `kubectl --kubeconfig PATH --context
 * CONTEXT` would speak to. Names of files in it are relative to it. (client-go:
 * tools/clientcmd/client_config.go, tools/clientcmd/api/v1/types.go)
 *
 *     new HttpClient({ ...fromKubeconfig("~/.kube/config"), who: "me", clock: new RealClock() })
 *
 * `context`: default current-context. Plugins that fetch credentials (exec, auth-provider) are not
 * run. Errors name the file and the field, and never what is secret.
 */
export function fromKubeconfig(
  path: string,
  context?: string,
): Omit<Remote, "urls"> & { url: string } {
  const file = path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
  return new Kubeconfig(file).remote(context);
}

type Fields = Record<string, unknown>;

/** Fields of a cluster or a user that change whom the server hears, or where it is. */
const notTaken: Record<string, string> = {
  exec: "it asks for a program to be run; give a token or a client certificate instead",
  "auth-provider": "it asks for a plugin; give a token or a client certificate instead",
  "proxy-url": "proxies are not supported",
  as: "impersonation is not supported",
  "as-uid": "impersonation is not supported",
  "as-groups": "impersonation is not supported",
  "as-user-extra": "impersonation is not supported",
};

class Kubeconfig {
  readonly #config: Fields;

  constructor(private readonly file: string) {
    const config = this.#parsed(this.#read(file));
    if (!isFields(config)) throw this.#error("", "is no kubeconfig: it is no object");
    if (config["kind"] !== undefined && config["kind"] !== "Config")
      throw this.#error("kind", `is ${JSON.stringify(config["kind"])}; "Config" is needed`);
    this.#config = config;
  }

  remote(wanted: string | undefined): Omit<Remote, "urls"> & { url: string } {
    const name = wanted ?? this.#text(this.#config, "current-context", "");
    if (name === undefined)
      throw this.#error("current-context", `is not set; ${this.#names("contexts")}`);
    const context = this.#named("contexts", "context", name);
    const at = `contexts[${name}]`;
    const cluster = this.#needed(context, "cluster", at);
    const user = this.#text(context, "user", at);
    return {
      ...this.#cluster(this.#named("clusters", "cluster", cluster), `clusters[${cluster}]`),
      ...(user !== undefined && this.#user(this.#named("users", "user", user), `users[${user}]`)),
    };
  }

  #cluster(cluster: Fields, at: string): Omit<Remote, "urls"> & { url: string } {
    this.#refuse(cluster, at);
    const url = this.#needed(cluster, "server", at);
    const insecure = cluster["insecure-skip-tls-verify"];
    if (insecure !== undefined && insecure !== null && typeof insecure !== "boolean")
      throw this.#error(`${at}.insecure-skip-tls-verify`, "must be true or false");
    const ca = this.#pem(cluster, "certificate-authority", at);
    if (insecure && ca !== undefined)
      throw this.#error(
        `${at}.insecure-skip-tls-verify`,
        "is true although there is a certificate-authority; leave one of them out",
      );
    const serverName = this.#text(cluster, "tls-server-name", at);
    return {
      url,
      ...(ca !== undefined && { ca }),
      ...(insecure && { insecureSkipTLSVerify: true }),
      ...(serverName !== undefined && { serverName }),
    };
  }

  #user(user: Fields, at: string): Omit<Remote, "urls"> {
    this.#refuse(user, at);
    const [cert, key] = ["client-certificate", "client-key"].map((field) =>
      this.#pem(user, field, at),
    );
    if ((cert === undefined) !== (key === undefined))
      throw this.#error(at, "has a client-certificate or a client-key without the other");
    const [token, tokenFile, username, password] = [
      "token",
      "tokenFile",
      "username",
      "password",
    ].map((field) => this.#text(user, field, at));
    return {
      ...(cert !== undefined && key !== undefined && { cert, key }),
      ...(token !== undefined && { token }),
      ...(tokenFile !== undefined && { tokenFile: this.#beside(tokenFile) }),
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
    };
  }

  /** What `FIELD-data` holds, or else the file that `FIELD` names. */
  #pem(fields: Fields, field: string, at: string): string | undefined {
    const data = this.#text(fields, `${field}-data`, at);
    const file = this.#text(fields, field, at);
    if (data === undefined) return file === undefined ? undefined : this.#read(this.#beside(file));
    const text = Buffer.from(data, "base64").toString("utf8");
    if (!text.includes("-----BEGIN "))
      throw this.#error(`${at}.${field}-data`, "is not the base64 of a PEM text");
    return text;
  }

  #refuse(fields: Fields, at: string): void {
    for (const [field, why] of Object.entries(notTaken))
      if (fields[field] !== undefined && fields[field] !== null && fields[field] !== "")
        throw this.#error(`${at}.${field}`, `is set, and ${why}`);
  }

  #named(list: string, field: string, name: string): Fields {
    const found = this.#list(list).find((one) => one["name"] === name);
    if (!found) throw this.#error(list, `has no ${JSON.stringify(name)}; ${this.#names(list)}`);
    const fields = found[field] ?? {};
    if (!isFields(fields)) throw this.#error(`${list}[${name}].${field}`, "is no object");
    return fields;
  }

  #names(list: string): string {
    const names = this.#list(list).map(({ name }) => String(name));
    return names.length > 0 ? `there are ${names.join(", ")}` : "there are none";
  }

  #list(list: string): Fields[] {
    const items = this.#config[list] ?? [];
    if (!Array.isArray(items) || !items.every(isFields)) throw this.#error(list, "is no list");
    return items;
  }

  #needed(fields: Fields, field: string, at: string): string {
    const text = this.#text(fields, field, at);
    if (text === undefined) throw this.#error(`${at}.${field}`, "is missing");
    return text;
  }

  /** undefined where it is not set: absent, null or empty. */
  #text(fields: Fields, field: string, at: string): string | undefined {
    const value = fields[field] ?? "";
    if (typeof value !== "string") throw this.#error(`${at}.${field}`, "is no text");
    return value === "" ? undefined : value;
  }

  #beside(file: string): string {
    return isAbsolute(file) ? file : resolve(dirname(this.file), file);
  }

  #read(file: string): string {
    try {
      return readFileSync(file, "utf8");
    } catch (error) {
      throw new Error(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`, {
        cause: error,
      });
    }
  }

  /** Without the lines that a YAML error shows: there may be a token in them. */
  #parsed(text: string): unknown {
    try {
      return load(text);
    } catch (error) {
      if (!(error instanceof YAMLException)) throw error;
      throw this.#error(`line ${(error.mark?.line ?? 0) + 1}`, `is no YAML: ${error.reason}`);
    }
  }

  #error(field: string, what: string): Error {
    return new Error(`${this.file}: ${field}${field ? " " : ""}${what}`);
  }
}

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
