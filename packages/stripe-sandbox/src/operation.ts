import type { FormObject } from './form-body.js';
import { type Parsed, readShape } from './parameters.js';
import type { World } from './world.js';

/** One call of Stripe's API, with its parameters read and checked. */
export interface Call<Parameters> {
  readonly world: World;
  /** The id in the address; empty where there is none. */
  readonly id: string;
  readonly parameters: Parameters;
  /** The address asked for, for the `url` of lists. */
  readonly path: string;
}

/** An operation of the API as the server sees it: `prepare` checks the parameters, what it returns does the work. */
export interface Operation {
  /** As the SDK calls it: `checkout.sessions.create`. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  prepare(call: { world: World; id: string; path: string; form: FormObject }): () => object;
}

/** Declares an operation; the types of its parameters follow from their readers. */
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
