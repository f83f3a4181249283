import { same } from "../objects/freeze.js";
import type { Endpoint, EndpointSlice } from "../objects/types.js";

/** Endpoints in a slice, at most. (kube-controller-manager: --max-endpoints-per-slice) */
export const MAX_ENDPOINTS = 100;

/**
 * A slice that is to be written: one that exists, or a new one (its name is still empty), with the
 * endpoints it will have.
 */
export interface Draft {
  slice: EndpointSlice;
  endpoints: Endpoint[];
}

/**
 * One round of edits to a Service's slices, worked out before anything is written. Slices that need
 * no edit are left alone: every write of a slice goes to every node. (k8s.io/endpointslice:
 * reconciler.go, reconcileByPortMapping)
 */
export class Packing {
  readonly #drafts = new Map<EndpointSlice, Draft>();

  constructor(private readonly slices: readonly EndpointSlice[]) {}

  /** Marks a slice as one to write. */
  draft(slice: EndpointSlice): Draft {
    let draft = this.#drafts.get(slice);
    if (!draft) this.#drafts.set(slice, (draft = { slice, endpoints: [...slice.endpoints] }));
    return draft;
  }

  /**
   * Puts `endpoint` where the Pod's endpoint is in this slice, or takes that out. Answers false
   * where the slice has none of that Pod.
   */
  replace(slice: EndpointSlice, pod: string, endpoint: Endpoint | undefined): boolean {
    const present = this.#drafts.get(slice)?.endpoints ?? slice.endpoints;
    const index = present.findIndex(({ targetRef }) => targetRef?.name === pod);
    if (index < 0 || same(present[index], endpoint)) return index >= 0;
    const { endpoints } = this.draft(slice);
    if (endpoint) endpoints[index] = endpoint;
    else endpoints.splice(index, 1);
    return true;
  }

  /**
   * Places new endpoints: in slices that are written anyway, then in the fullest one that holds all
   * the rest, then in new ones.
   */
  add(fresh: EndpointSlice, endpoints: Endpoint[]): void {
    const fits = (slice: EndpointSlice) =>
      slice.addressType === fresh.addressType && same(slice.ports ?? [], fresh.ports ?? []);
    for (const draft of this.#drafts.values()) if (fits(draft.slice)) fill(draft, endpoints);
    while (endpoints.length > 0) {
      const room =
        endpoints.length >= MAX_ENDPOINTS
          ? []
          : this.slices.filter(
              (slice) =>
                slice.endpoints.length + endpoints.length <= MAX_ENDPOINTS &&
                !this.#drafts.has(slice) &&
                fits(slice),
            );
      const fullest = room.reduce<EndpointSlice | undefined>(
        (a, b) => (a && a.endpoints.length >= b.endpoints.length ? a : b),
        undefined,
      );
      fill(this.draft(fullest ?? { ...fresh }), endpoints);
    }
  }

  /**
   * What to write and what to remove. Slices left empty are used again for new ones before they are
   * removed, and each address family keeps one, empty if need be, so that a Service without
   * endpoints says so. `placeholder` makes that one.
   */
  result(
    families: readonly string[],
    placeholder: (family: string) => EndpointSlice,
  ): { write: Draft[]; remove: EndpointSlice[] } {
    const drafts = [...this.#drafts.values()];
    const write = drafts.filter(
      ({ slice, endpoints }) => endpoints.length > 0 && slice.metadata.name !== "",
    );
    const created = drafts.filter(({ slice }) => slice.metadata.name === "");
    const emptied = drafts
      .filter(({ slice, endpoints }) => endpoints.length === 0 && slice.metadata.name !== "")
      .map(({ slice }) => slice);
    for (const family of families) {
      const stays =
        this.slices.some((slice) => slice.addressType === family && !emptied.includes(slice)) ||
        created.some(({ slice }) => slice.addressType === family);
      if (!stays) created.push({ slice: placeholder(family), endpoints: [] });
    }
    for (const draft of created) {
      const index = emptied.findIndex(({ addressType }) => addressType === draft.slice.addressType);
      const [reused] = index >= 0 ? emptied.splice(index, 1) : [];
      write.push(
        reused ? { ...draft, slice: { ...draft.slice, metadata: reused.metadata } } : draft,
      );
    }
    return { write, remove: emptied };
  }
}

const fill = (draft: Draft, endpoints: Endpoint[]): void =>
  void draft.endpoints.push(
    ...endpoints.splice(0, Math.max(0, MAX_ENDPOINTS - draft.endpoints.length)),
  );
