// Passkeys: to come in by an invitation's code, to sign in, and to add a further one.
// The code makes a key here (Ed25519) that signs for the passkey: the code itself is not sent.

import { bytesOf, canonical, encoded, hex, sha256, utf8 } from "./record.js";
import { post, Refused } from "./sending.js";

/** The key that an invitation's code makes, as `ledger.devices` makes it. */
async function keyOfCode(code) {
  const plain = code.replace(/[\s-]/g, "").toLowerCase().replace(/[il]/g, "1").replace(/o/g, "0");
  const seed = await sha256(utf8(`touchstone/invitation-code/1\0${plain}`));
  // PKCS #8 of Ed25519: a fixed head, then the seed.
  const head = [48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];
  const own = await crypto.subtle.importKey("pkcs8", new Uint8Array([...head, ...seed]), "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", own);
  return { own, shown: hex(bytesOf(x)) };
}

/** The code key's signature over a statement, in DSSE's pre-authentication encoding. */
async function proofOf(own, statement) {
  const kind = "application/vnd.touchstone.passkey-taken+json";
  const message = encoded(canonical(statement), kind);
  return hex(await crypto.subtle.sign("Ed25519", own, message));
}

async function made(asked) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked.publicKey);
  const { id, rawId, type, response } = (await navigator.credentials.create({ publicKey })).toJSON();
  const { clientDataJSON, attestationObject } = response;
  return { id, rawId, type, response: { clientDataJSON, attestationObject } };
}

async function shown(asked) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked.publicKey);
  const { id, rawId, type, response } = (await navigator.credentials.get({ publicKey })).toJSON();
  const { clientDataJSON, authenticatorData, signature } = response;
  return { id, rawId, type, response: { clientDataJSON, authenticatorData, signature } };
}

const ways = {
  async join(form) {
    const { own, shown: code } = await keyOfCode(form.elements.code.value);
    const { asked, state } = await post("/join/begin", { code });
    const answer = await made(asked);
    const proof = await proofOf(own, {
      aud: form.dataset.installation,
      challenge: hex(bytesOf(asked.publicKey.challenge)),
      code,
      credential: hex(await sha256(bytesOf(answer.rawId))),
    });
    return post("/join/finish", { answer, label: form.elements.label.value.trim(), proof, state });
  },
  async "sign-in"(form) {
    const { asked, state } = await post("/sign-in/begin", {});
    return post("/sign-in/finish", { answer: await shown(asked), next: form.dataset.next, state });
  },
  async add(form) {
    const { asked, state } = await post("/account/passkeys/begin", {});
    return post("/account/passkeys/finish", { answer: await made(asked), label: form.elements.label.value.trim(), state });
  },
};

function saysOf(error) {
  if (error instanceof Refused) {
    if (error.code === "invitation") return "unusable";
    return error.code === "unreached" ? "unreached" : "refused";
  }
  const cancelled = error instanceof DOMException && ["NotAllowedError", "AbortError", "InvalidStateError"].includes(error.name);
  return cancelled ? "cancelled" : "unsupported";
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    for (const each of form.querySelectorAll("[data-says]")) each.hidden = true;
    button.disabled = true;
    try {
      const { next } = await ways[form.dataset.passkey](form);
      location.assign(next);
    } catch (error) {
      form.querySelector(`[data-says="${saysOf(error)}"]`).hidden = false;
      button.disabled = false;
      button.focus();
    }
  });
}
