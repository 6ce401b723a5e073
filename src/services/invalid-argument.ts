/** A query's argument that cannot be served. The edge answers it with the code BAD_USER_INPUT and this message. */
export class InvalidArgument extends Error {
  override readonly name: string = 'InvalidArgument';

  constructor(
    readonly argument: string,
    message: string,
  ) {
    super(message);
  }
}
