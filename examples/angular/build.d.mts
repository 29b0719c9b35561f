/** The script of the page, as text: with zone.js or without. */
export function bundle(options?: { readonly zone?: boolean }): Promise<string>;
