/** An open TCP connection, as its client has it: each of its packets takes the data path. */
import type { Served } from "../../journey/socket.js";
import type { Founded, Journey } from "../../journey/types.js";
import { type Act, type Acts, sleep } from "../../machinery/act.js";
import { Pipe } from "../../machinery/pipe.js";
import { destinationOf, type Flags, type Packet, sourceOf } from "../../net/packet.js";
import type { Ends, Listener } from "../../node/socket.js";
import type { Said } from "./frame.js";

/** The place that sends its packets. */
export interface Sender {
  /** A later packet of a connection; whether it gets there and its answer comes back. */
  passes(first: Packet, flags: Flags, said: Said | undefined): "yes" | "no" | "reset";
  /** A packet on the way that the last one took, while somebody looks on. */
  show(path: Journey, direction: "there" | "back", said: Said): void;
}

export class Connection {
  /** What the server sends. */
  readonly input = new FromServer((bytes) => this.#serverSays(bytes));
  /** What the server reads. */
  readonly #toServer = new Pipe(1_000_000);
  readonly local: { address: string; port: number };
  readonly remote: { address: string; port: number };
  #isClosed = false;
  /** `isFirst`: the other side had not closed it before. */
  onClose: (isFirst: boolean) => void = () => {};
  /** Whether the other side, or somebody on the way, has broken it off. */
  wasReset = false;
  readonly #name: string;
  /** Sequence numbers: how much each side has sent; the SYN was the first. */
  #sent = 1;
  #heard = 1;

  constructor(
    private readonly first: Packet,
    readonly journey: Founded<Journey>,
    private readonly end: Sender,
    /** Others open connections of their own on the way; what they do later is theirs. */
    private readonly isPassedOn: boolean,
    private readonly acts: Acts,
  ) {
    this.#name = nameOf(first);
    this.local = { address: first.source, port: first.sourcePort };
    this.remote = { address: first.destination, port: first.destinationPort };
  }

  get ends(): Ends {
    return { own: this.local, peer: this.remote };
  }

  /** The third packet of the handshake, and the server's process. */
  begin({ packet, party, sandbox }: Served, listener: Listener | undefined): void {
    this.#passes("ACK", this.#said("client", "."));
    const output = this.input;
    const stream = { ...endsOf(packet), input: this.#toServer, output };
    if (!listener?.accept) return output.end();
    const holder =
      sandbox?.hostNetwork === false ? sandbox : party.kind === "node" && party.machine;
    const ends = endsOf(packet);
    const all = (holder && taken.get(holder)) || new Set<Ends>();
    if (holder) taken.set(holder, all.add(ends));
    this.acts.begin(listener.accept(stream), () => {
      all.delete(ends);
      output.end();
      stream.input.close();
    });
  }

  /** Whether the bytes got there. */
  *send(bytes: string): Act<boolean> {
    for (const wait of dataWaits) {
      const passes = this.#passes("ACK", this.#said("client", "P.", bytes));
      if (passes === "yes") break;
      if (passes === "reset" || wait === dataWaits.at(-1)) {
        this.wasReset = passes === "reset";
        this.input.cut();
        return false;
      }
      yield* sleep(this.acts.clock, wait);
    }
    this.#sent += bytes.length;
    this.#show("back", this.#said("server", "."));
    return yield* this.#toServer.write(bytes);
  }

  /** The client has said all; it may still read. */
  shut(): void {
    this.#toServer.end();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onClose(!this.input.hasEnded);
    this.#passes("FIN,ACK", this.#said("client", "F."));
    this.#sent++;
    const { hasEnded } = this.input;
    this.#show("back", this.#said("server", hasEnded ? "." : "F."));
    this.#heard++;
    this.#passes("ACK", hasEnded ? undefined : this.#said("client", "."));
    this.#toServer.end();
    this.input.close();
  }

  /** `said`: what who looks on is shown. */
  #passes(flags: Flags, said: Said | undefined): "yes" | "no" | "reset" {
    if (!this.isPassedOn) return this.end.passes(this.first, flags, said);
    if (said) this.#show("there", said);
    return "yes";
  }

  #show(direction: "there" | "back", said: Said): void {
    this.end.show(this.journey, direction, said);
  }

  /** Undefined: it has said all. */
  #serverSays(bytes: string | undefined): void {
    if (this.#isClosed) return;
    this.#show("back", this.#said("server", bytes === undefined ? "F." : "P.", bytes));
    this.#heard += bytes === undefined ? 1 : bytes.length;
    this.#show("there", this.#said("client", "."));
  }

  #said(by: "client" | "server", flags: string, bytes = ""): Said {
    const [seq, ack] = by === "client" ? [this.#sent, this.#heard] : [this.#heard, this.#sent];
    return { kind: "tcp", by, flags, seq, ack, bytes, connection: this.#name };
  }
}

/** What the server says, as it comes to the client. */
class FromServer extends Pipe {
  #hasEnded = false;

  constructor(private readonly onSaid: (bytes: string | undefined) => void) {
    super(1_000_000);
  }

  override push(bytes: string): void {
    if (bytes !== "" && !this.#hasEnded) this.onSaid(bytes);
    super.push(bytes);
  }

  override end(): void {
    if (this.#hasEnded) return;
    this.onSaid(undefined);
    this.cut();
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Nothing more comes, and nobody has said so. */
  cut(): void {
    this.#hasEnded = true;
    super.end();
  }
}

/** When data that nobody acknowledges is sent again (milliseconds); then it is given up. */
const dataWaits = [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600];

/** Connections that a Pod's or a node's processes have taken. */
export const taken = new WeakMap<object, Set<Ends>>();

export const synOf = (packet: Packet): Said => ({
  kind: "tcp",
  by: "client",
  flags: "S",
  seq: 0,
  ack: 0,
  bytes: "",
  connection: nameOf(packet),
});

/** Which connection a packet opens, for who looks on. */
const nameOf = (packet: Packet): string => `${sourceOf(packet)} ${destinationOf(packet)}`;

export const endsOf = (arrived: Packet): Ends => ({
  peer: { address: arrived.source, port: arrived.sourcePort },
  own: { address: arrived.destination, port: arrived.destinationPort },
});
