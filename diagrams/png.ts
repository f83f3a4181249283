/**
 * A PNG with a palette: pictures of flat colours are a third of the size that way, and a notebook
 * holds many of them. (PNG, third edition, W3C 2025: sections 5 and 11.) Deflate is fflate's, in
 * JavaScript, because zlib's bytes differ from machine to machine and committed outputs are
 * compared.
 */
import { zlibSync } from "fflate";
import { crc32 } from "node:zlib";

/**
 * `pixels`: 4 bytes each (RGBA, opaque), row by row. Colours beyond the 128 most frequent (shades
 * at the edges of letters) take the nearest of those.
 */
export function encodePng(pixels: Uint8Array, width: number, height: number): Uint8Array {
  const { palette, indexOf } = choosePalette(pixels, 128);
  const rows = new Uint8Array((width + 1) * height); // each row begins with its filter: 0, none
  let [last, index] = [-1, 0]; // most pixels are as the one before
  for (let y = 0, from = 0, to = 0; y < height; y++) {
    to++;
    for (let x = 0; x < width; x++, from += 4) {
      const colour = colourAt(pixels, from);
      if (colour !== last) [last, index] = [colour, indexOf.get(colour)!];
      rows[to++] = index;
    }
  }
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint16(8, 0x0803); // 8 bits a pixel, colour type 3: palette
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", new Uint8Array(header.buffer)),
    chunk("PLTE", Uint8Array.from(palette.flatMap(channels))),
    chunk("IDAT", zlibSync(rows, { level: 6 })),
    chunk("IEND", new Uint8Array()),
  ]);
}

function choosePalette(
  pixels: Uint8Array,
  size: number,
): { palette: number[]; indexOf: Map<number, number> } {
  const counts = countColours(pixels);
  const colours = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([colour]) => colour),
    palette = colours.slice(0, size);
  return {
    palette,
    indexOf: new Map(colours.map((colour, i) => [colour, i < size ? i : nearest(palette, colour)])),
  };
}

function countColours(pixels: Uint8Array): Map<number, number> {
  const counts = new Map<number, number>();
  let [last, run] = [-1, 0];
  for (let i = 0; i < pixels.length; i += 4) {
    const colour = colourAt(pixels, i);
    if (colour === last) run++;
    else {
      if (run > 0) counts.set(last, (counts.get(last) ?? 0) + run);
      [last, run] = [colour, 1];
    }
  }
  if (run > 0) counts.set(last, (counts.get(last) ?? 0) + run);
  return counts;
}

function nearest(palette: readonly number[], colour: number): number {
  let [best, least] = [0, Infinity];
  for (let i = 0; i < palette.length; i++) {
    const other = palette[i]!;
    const red = (other >> 16) - (colour >> 16);
    const green = ((other >> 8) & 255) - ((colour >> 8) & 255);
    const blue = (other & 255) - (colour & 255);
    const distance = red * red + green * green + blue * blue;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}
function colourAt(pixels: Uint8Array, at: number): number {
  return (pixels[at]! << 16) | (pixels[at + 1]! << 8) | pixels[at + 2]!;
}
function channels(colour: number): [number, number, number] {
  return [colour >> 16, (colour >> 8) & 255, colour & 255];
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]),
    frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}
