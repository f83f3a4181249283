/**
 * What a reader says of the images of their own. Small, so that it may be said before any shell is
 * loaded.
 */
import type { Request, Response } from "../shell/network/http.js";

/** What an image answers to a request over HTTP; a text alone is a body of status 200. */
export type Answering = (
  request: Request,
  pod: { name: string; namespace: string; container: string },
) => Response | string;

export const added = new Map<string, Answering>();

/** The images that readers add: what their processes answer over HTTP. */
export const images = {
  /**
   * Says how the processes of an image answer: "shop:1", or "shop" for all its tags. In each
   * cluster of this process, from now on; adding it again replaces it. They listen on the ports
   * that their containers declare.
   *
   *     images.add("shop:1", (request, pod) => `you asked ${pod.name} for ${request.path}\n`);
   */
  add(image: string, answering: Answering): void {
    added.set(image, answering);
  },
  /** Forgets what was added. */
  remove(image: string): void {
    added.delete(image);
  },
};
