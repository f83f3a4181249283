/**
 * Which Kubernetes a cluster is, as far as versions differ in what is modelled here. Who depends on
 * a difference asks for it by name:
 *
 *     kubernetes("1.36").has(features.strictAddresses)     // true
 */

/** A difference that is asked for: one of kubernetes-features.ts. */
export type Feature = number;

export interface Kubernetes {
  /** "1.35" */
  readonly version: string;
  has(feature: Feature): boolean;
}

/** The first and the last minor version that can be asked for. */
const [first, last] = [33, 37];

/** "1.33", … "1.37" */
export const kubernetesVersions: readonly string[] = Array.from(
  { length: last - first + 1 },
  (_, i) => `1.${first + i}`,
);

/** The version that the recorded outputs of real clusters come from. */
export const usualVersion = "1.35";

/** Throws where nothing is known of this version. */
export function kubernetes(version = usualVersion): Kubernetes {
  if (!kubernetesVersions.includes(version))
    throw new Error(
      `version is ${JSON.stringify(version)}; allowed are ${kubernetesVersions.join(", ")}`,
    );
  const minor = Number(version.slice(2));
  return { version, has: (feature) => minor >= feature };
}

/** The release of this version that is shown: of the usual one, the one that was recorded. */
export const releaseOf = ({ version }: Kubernetes): string =>
  `v${version}.${version === usualVersion ? 4 : 0}`;
