// How scripts of ours ask this server.

import { canonical } from "./record.js";

/** What a request was refused with. */
export class Refused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** What a route of ours answers to a value, both in JSON. Throws Refused. */
export async function post(address, value) {
  let response;
  try {
    response = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: canonical(value),
    });
  } catch {
    throw new Refused("unreached");
  }
  const found = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(found.code ?? "");
  return found;
}
