"use strict";
// A byte-level byte-pair-encoding tokenizer, as the Python library `tokenizers` runs it.
//
// `spec` is made by compressor_core/export/page_tokenizer.py, which refuses every tokenizer that has other parts:
//   specials    {text: id}: texts that are one token wherever they stand in the raw code
//   normalizers steps on what is between them: replace, strip and lowercase
//   prefixSpace whether a piece that does not begin with a blank is given one
//   bytes       the id of each of the 256 bytes
//   merges      [left, right, merged] ids, the first learnt first
//   start, end  the ids around every function; maxLength counts them

// GPT-2's pieces (Radford et al., 2019): contractions; letters, digits or other signs, with one blank before; blanks.
// JavaScript's own \s is another set of characters.
const PIECES = new RegExp(
  [
    "'s|'t|'re|'ve|'m|'ll|'d",
    String.raw` ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+`,
    String.raw`\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+`,
  ].join("|"),
  "gu",
);

const NORMALIZERS = {
  replace: (text, { pattern, content }) => text.replace(new RegExp(pattern, "gu"), () => content),
  strip: (text, { left, right }) => {
    if (left) text = text.replace(/^\p{White_Space}+/u, "");
    return right ? text.slice(0, text.length - trailingSpace(text)) : text;
  },
  // Character by character: in a whole word JavaScript writes a final capital sigma as ς, Rust never does.
  lowercase: (text) => Array.from(text, (character) => character.toLowerCase()).join(""),
};

// A regular expression that is anchored at the end alone would try again from every blank.
function trailingSpace(text) {
  let length = 0;
  while (length < text.length && /\p{White_Space}/u.test(text[text.length - 1 - length])) length++;
  return length;
}

function makeTokenizer(spec) {
  const rules = new Map(
    spec.merges.map(([left, right, merged], rank) => [pair(left, right), { rank, left, right, merged }]),
  );
  const escaped = Object.keys(spec.specials)
    .sort((one, other) => other.length - one.length)
    .map((text) => text.replace(/[\\^$.*+?()[\]{}|\/]/g, "\\$&"));
  const special = new RegExp(`(${escaped.join("|")})`, "u");
  const utf8 = new TextEncoder();
  const known = new Map(); // pieces that were merged before

  function* idsOf(code) {
    // Split at a group, the special tokens themselves stand at the odd places.
    for (const [place, part] of code.split(special).entries()) {
      if (place % 2) yield spec.specials[part];
      else yield* idsBetween(part);
    }
  }

  function* idsBetween(part) {
    let text = part;
    for (const step of spec.normalizers) text = NORMALIZERS[step.type](text, step);
    if (spec.prefixSpace && text && !text.startsWith(" ")) text = " " + text;
    for (const [piece] of text.matchAll(PIECES)) {
      if (!known.has(piece)) known.set(piece, merge(Array.from(utf8.encode(piece), (byte) => spec.bytes[byte]), rules));
      yield* known.get(piece);
    }
  }

  // The ids of a function, cut to maxLength, and whether it was cut.
  return (code) => {
    const ids = [spec.start];
    for (const id of idsOf(code)) {
      if (ids.length === spec.maxLength - 1) return { ids: [...ids, spec.end], cut: true };
      ids.push(id);
    }
    return { ids: [...ids, spec.end], cut: false };
  };
}

function pair(left, right) {
  return left * 2 ** 24 + right;
}

// Join, again and again, the neighbours whose rule was learnt first.
function merge(ids, rules) {
  for (;;) {
    let first = null;
    for (let i = 0; i + 1 < ids.length; i++) {
      const rule = rules.get(pair(ids[i], ids[i + 1]));
      if (rule && (!first || rule.rank < first.rank)) first = rule;
    }
    if (!first) return ids;
    const joined = [];
    for (let i = 0; i < ids.length; i++) {
      const applies = ids[i] === first.left && ids[i + 1] === first.right;
      joined.push(applies ? first.merged : ids[i]);
      if (applies) i++;
    }
    ids = joined;
  }
}
