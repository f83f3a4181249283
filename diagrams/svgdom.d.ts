declare module "svgdom" {
  export function createHTMLWindow(): {
    document: {
      createElementNS(namespace: string, name: string): object;
      createTextNode(text: string): object;
    };
  };
}
