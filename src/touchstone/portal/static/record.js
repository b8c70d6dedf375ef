// The forms of the record, as far as a browser checks and signs: docs/reference/record-format-2.md.
// Nothing here asks a server. Bytes are Uint8Array, digests and keys lowercase hex.

const encoder = new TextEncoder();

export const utf8 = (text) => encoder.encode(text);
export const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
export const bytesOfHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
export const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
export const bytesOf = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
export const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

function joined(...pieces) {
  const all = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Canonical JSON. Throws on what has none: fractions, numbers beyond 2^53 - 1, half characters, names that are not ASCII. */
export function canonical(value) {
  if (typeof value === "number" && (!Number.isSafeInteger(value) || Object.is(value, -0))) throw new TypeError("number");
  if (typeof value === "string" && !value.isWellFormed()) throw new TypeError("text");
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const names = Object.keys(value).sort();
    if (!names.every((name) => /^[ -~]*$/.test(name))) throw new TypeError("name");
    return `{${names.map((name) => `${canonical(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  if (value === undefined) throw new TypeError("nothing");
  return JSON.stringify(value);
}

/** The value that a canonical text is; throws where it is written in any other way. */
export function parsed(text) {
  const value = JSON.parse(text);
  if (canonical(value) !== text) throw new TypeError("not canonical");
  return value;
}

export const fingerprint = async (key) => `SHA256:${hex(await sha256(key))}`;
const named = (domain, bytes) => joined(utf8(`${domain}\0`), bytes);

/** The commitment to a part: its salt (hex) and its text. */
export const commitment = async (salt, text) =>
  hex(await sha256(named("touchstone/part/1", joined(bytesOfHex(salt), utf8(text)))));
/** By what a deed is called: H of its payload. */
export const deedDigest = async (payload) => hex(await sha256(named("touchstone/deed/2", utf8(payload))));

/** What is signed of a payload: DSSE's pre-authentication encoding. */
export function encoded(payload, type) {
  const bytes = utf8(payload);
  return joined(utf8(`DSSEv1 ${type.length} ${type} ${bytes.length} `), bytes);
}

export const DEED = "application/vnd.touchstone.deed+json";
export const CLAIM = "application/vnd.touchstone.signer-claim+json";

/** A deed's envelope by a key: `{own, shown}`, the private key and the public one (hex). */
export async function envelope(payload, own) {
  const sig = base64(await crypto.subtle.sign("Ed25519", own.own, encoded(payload, DEED)));
  const keyid = await fingerprint(bytesOfHex(own.shown));
  return { payload: base64(utf8(payload)), payloadType: DEED, signatures: [{ keyid, sig }] };
}

/** What shows a party that this browser holds a key, in one word. */
export async function claim(party, own) {
  const said = canonical({ domain: "touchstone/signer-claim/1", key: own.shown, party, v: 1 });
  return `${own.shown}.${hex(await crypto.subtle.sign("Ed25519", own.own, encoded(said, CLAIM)))}`;
}

async function signed(key, message, signature) {
  const known = await crypto.subtle.importKey("raw", bytesOfHex(key), "Ed25519", true, ["verify"]);
  return crypto.subtle.verify("Ed25519", known, bytesOfHex(signature), message);
}

/** By fingerprint the keys (hex) that sign for an installation, from the one that is pinned. */
export async function keysFrom(lines, pinned) {
  const keys = {};
  let before = null;
  for (const [seq, text] of lines.entries()) {
    const { signature, ...said } = parsed(text);
    const previous = before === null ? null : hex(await sha256(utf8(before.text)));
    const message = named("touchstone/key/1", utf8(canonical(said)));
    const by = before === null ? said.public_key : before.key;
    const fits = said.line === "key" && said.v === 1 && said.seq === seq && said.previous === previous;
    const name = await fingerprint(bytesOfHex(said.public_key));
    if (!fits || name in keys || !(await signed(by, message, signature))) throw new TypeError("key line");
    if (before === null && name !== pinned) throw new TypeError("another installation");
    keys[name] = said.public_key;
    const revoked = /^revoked (SHA256:[0-9a-f]{64}): /.exec(said.reason);
    if (revoked) keys[revoked[1]] = null;
    before = { key: said.public_key, text };
  }
  if (before === null) throw new TypeError("no key");
  return keys;
}

/** The installation's word in an answer's line, once one of its keys is seen to have signed it. */
export async function answerIn(line, keys) {
  const { answer, key, line: kind, signature } = parsed(line);
  const known = Object.hasOwn(keys, key) ? keys[key] : null;
  const message = named("touchstone/answer/1", utf8(canonical(answer)));
  if (kind !== "answer" || !known || !(await signed(known, message, signature))) throw new TypeError("answer");
  return answer;
}

const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const node = async (left, right) => hex(await sha256(joined(Uint8Array.of(1), bytesOfHex(left), bytesOfHex(right))));

/** Whether the tree of `size` leaves extends the one of `old`: RFC 9162, section 2.1.4.2. */
export async function extended(old, size, proof, oldRoot, root) {
  if (old > size) return false;
  if (old === 0 || old === size) return proof.length === 0 && oldRoot === (old === 0 ? EMPTY : root);
  let [index, last] = [BigInt(old - 1), BigInt(size - 1)];
  while (index & 1n) [index, last] = [index >> 1n, last >> 1n];
  // A tree of 2^k leaves is itself a node of the newer one, so the proof leaves its root out.
  const nodes = Number.isInteger(Math.log2(old)) ? [oldRoot, ...proof] : [...proof];
  if (nodes.length === 0) return false;
  let [before, after] = [nodes[0], nodes[0]];
  for (const each of nodes.slice(1)) {
    if (last === 0n) return false;
    if (index & 1n || index === last) {
      [before, after] = [await node(each, before), await node(each, after)];
      while (!(index & 1n)) [index, last] = [index >> 1n, last >> 1n];
    } else {
      after = await node(after, each);
    }
    [index, last] = [index >> 1n, last >> 1n];
  }
  return last === 0n && before === oldRoot && after === root;
}
