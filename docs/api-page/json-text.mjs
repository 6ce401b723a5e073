const WIDTH = 110;

/** JSON, with values that fit on one line kept on one line, and the sandbox's default port instead of this run's. */
export function jsonText(value) {
  const usual = JSON.stringify(value).replace(/127\.0\.0\.1:\d+\/checkout/g, '127.0.0.1:4010/checkout');
  return print(JSON.parse(usual), '', 0);
}

/** `before`: the number of characters before it on its line. */
function print(value, indent, before) {
  const short = onOneLine(value);
  if (value === null || typeof value !== 'object' || before + short.length <= WIDTH) return short;
  const inner = `${indent}  `;
  const lines = Array.isArray(value)
    ? value.map((item) => `${inner}${print(item, inner, inner.length)}`)
    : Object.entries(value).map(([key, item]) => `${inner}"${key}": ${print(item, inner, inner.length + key.length + 4)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}

function onOneLine(value) {
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(', ')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, item]) => `"${key}": ${onOneLine(item)}`);
  return entries.length > 0 ? `{ ${entries.join(', ')} }` : '{}';
}
