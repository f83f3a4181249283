/**
 * The headers of SPDY streams as their frames carry them: deflated by one compressor for a whole
 * session, which begins with a dictionary that the protocol names. (SPDY/3.1, 2.6.10)
 */
import { deflateSync, inflateRawSync, constants } from "node:zlib";

/** So many bytes of the past a compressor may point to. */
const WINDOW = 32 * 1024;
/** Of a port-forward's streams there are three short ones. */
const MOST_HEADERS = 64 * 1024;

const words = (
  "options,head,post,put,delete,trace,accept,accept-charset,accept-encoding,accept-language," +
  "accept-ranges,age,allow,authorization,cache-control,connection,content-base," +
  "content-encoding,content-language,content-length,content-location,content-md5,content-range," +
  "content-type,date,etag,expect,expires,from,host,if-match,if-modified-since,if-none-match," +
  "if-range,if-unmodified-since,last-modified,location,max-forwards,pragma,proxy-authenticate," +
  "proxy-authorization,range,referer,retry-after,server,te,trailer,transfer-encoding,upgrade," +
  "user-agent,vary,via,warning,www-authenticate,method,get,status,200 OK,version,HTTP/1.1,url," +
  "public,set-cookie,keep-alive,origin"
).split(",");

const rest =
  "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505" +
  "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Una" +
  "uthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service" +
  " UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, " +
  "Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,applicat" +
  "ion/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf" +
  "-8charset=iso-8859-1,utf-,*,enq=0.";

const counted = (text: string): Buffer => {
  const bytes = Buffer.from(text, "latin1");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

const dictionary = Buffer.concat([...words.map(counted), Buffer.from(rest, "latin1")]);

/** A zlib stream with a dictionary begins with two bytes and the dictionary's checksum. */
const BEGINNING = 6;

/** Reads one header block after the other. */
export class HeaderReader {
  #window = dictionary;
  #isFirst = true;

  /** @throws where it is none */
  read(block: Buffer): Map<string, string> {
    const deflated = this.#isFirst ? block.subarray(BEGINNING) : block;
    this.#isFirst = false;
    const bytes = inflateRawSync(deflated, {
      dictionary: this.#window,
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: MOST_HEADERS,
    });
    this.#window = Buffer.concat([this.#window, bytes]).subarray(-WINDOW);
    return headersIn(bytes);
  }
}

function headersIn(bytes: Buffer): Map<string, string> {
  let at = 4;
  const text = (): string => {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw new RangeError("a header is longer than its frame");
    const found = bytes.toString("latin1", at + 4, end);
    at = end;
    return found;
  };
  const found = new Map<string, string>();
  for (let left = bytes.readUInt32BE(0); left > 0; left--) found.set(text(), text());
  return found;
}

/** The header blocks of answers, which have no headers: stored as they are, not compressed. */
export class HeaderWriter {
  #isFirst = true;

  none(): Buffer {
    // a block of four bytes that say 0, and an empty one, which tells a reader to hand on what it
    // has; neither is the last (RFC 1951, 3.2.4)
    const stored = Buffer.from([0, 4, 0, 0xfb, 0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
    if (!this.#isFirst) return stored;
    this.#isFirst = false;
    return Buffer.concat([deflateSync("", { dictionary }).subarray(0, BEGINNING), stored]);
  }
}
