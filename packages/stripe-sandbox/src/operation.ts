import type { FormObject } from './form-body.js';
import { type Parsed, readShape } from './parameters.js';
import type { World } from './world.js';

/** One call to Stripe's API, with its parameters read and checked. */
export interface Call<Parameters> {
  readonly world: World;
  /** The id in the path; empty if there is none. */
  readonly id: string;
  readonly parameters: Parameters;
  /** The requested path, for the `url` of lists. */
  readonly path: string;
}

/** An API operation: `prepare` checks the parameters and returns a function that does the work. */
export interface Operation {
  /** The SDK's name: `checkout.sessions.create`. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  prepare(call: { world: World; id: string; path: string; form: FormObject }): () => object;
}

/** Declares an operation; the types of its parameters are inferred from their readers. */
export function operation<Shape extends object>(
  declared: { name: string; method: Operation['method']; path: string; parameters: Shape },
  run: (call: Call<Parsed<Shape>>) => object,
): Operation {
  return {
    name: declared.name,
    method: declared.method,
    path: declared.path,
    prepare: ({ world, id, path, form }) => {
      const parameters = readShape(declared.parameters, form);
      return () => run({ world, id, path, parameters });
    },
  };
}
