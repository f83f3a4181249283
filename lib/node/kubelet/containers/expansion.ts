/**
 * `$(NAME)` in a container's command, arguments and environment; `$$` stands for `$`, and what is
 * no reference, or names nobody, stays as it is. (kubernetes: third_party/forked/golang/expansion)
 */
export const expanded = (text: string, valueOf: (name: string) => string | undefined): string =>
  text.replace(/\$\$|\$\(([^)]*)\)/g, (all, name?: string) =>
    name === undefined ? "$" : (valueOf(name) ?? all),
  );
