declare module 'postject' {
  /** Adds a resource to an executable, in place, and sets the marker for it. */
  export function inject(executable: string, resource: string, data: Buffer, options: { readonly sentinelFuse: string }): Promise<void>
}
