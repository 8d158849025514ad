declare module 'postject' {
  /** Puts a resource into an executable, in place, and sets the mark that says so. */
  export function inject(executable: string, resource: string, data: Buffer, options: { readonly sentinelFuse: string }): Promise<void>
}
