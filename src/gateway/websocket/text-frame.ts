const TEXT_AND_LAST = 0x81;
const MAX_7_BITS = 125;
const MAX_16_BITS = 0xffff;

/** A WebSocket text frame, unmasked as servers send it: https://www.rfc-editor.org/rfc/rfc6455#section-5.2 */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const headerLength = length <= MAX_7_BITS ? 2 : length <= MAX_16_BITS ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerLength + length);
  frame[0] = TEXT_AND_LAST;
  if (headerLength === 2) {
    frame[1] = length;
  } else if (headerLength === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeUIntBE(0, 2, 2);
    frame.writeUIntBE(length, 4, 6);
  }
  frame.write(text, headerLength);
  return frame;
}
