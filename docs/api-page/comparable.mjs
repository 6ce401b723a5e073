/**
 * The lines of a page, without values that differ in each run. Ids are numbered in order of appearance, so that equal ids stay equal.
 */
export function comparable(text) {
  const ids = new Map();
  return text
    .replace(/"checkoutUrl": "[^"]*"/g, '"checkoutUrl": "…"')
    .replace(/"(\w*[cC]ursor|requestId)": "[^"]*"/g, '"$1": "…"')
    .replace(/\b[LR]?[\da-f]{64}\b/g, 'a hash')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'an instant')
    .replace(/\b(?!01939c1e-0000)[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/g, (id) => {
      if (!ids.has(id)) ids.set(id, `id ${ids.size + 1}`);
      return ids.get(id);
    })
    .split('\n');
}
