/** What a process of a test has of this one's environment: where programs are, and the compiled modules that the run shares. */
export const inheritedEnvironment = (): Record<string, string | undefined> => ({
  PATH: process.env.PATH,
  ...(process.env.NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }),
});
