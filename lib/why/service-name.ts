/** "svc/web" and "services/web", as kubectl takes them, are the name "web". */
export const withoutKind = (text: string): string => text.replace(/^(svc|services?)\//, "");
