// Deeds by forms: what is typed is kept, what is to be signed is shown from its bytes, held against
// what was typed and what this browser saw before, signed by its own key, and its answer checked.

import { answerIn, commitment, deedDigest, envelope, extended, fingerprint, bytesOfHex, hex, keysFrom, parsed, claim } from "./record.js";
import { keep, keepTyped, kept, keptUnder, letGo, letGoTyped, makeKey, ownKey, typedAt } from "./keeping.js";
import { post, Refused } from "./sending.js";

/** What is wrong with what the server drafted, answered or shows: `name` says it on the page. */
class Caught extends Error {
  constructor(name) {
    super(name);
    this.name = name;
  }
}

function require(holds, name) {
  if (!holds) throw new Caught(name);
}

/** What throws within is what is wrong by that name. */
async function as(name, work) {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Refused ? error : new Caught(name);
  }
}

const plain = (text) => text.split(/\s+/).filter(Boolean).join(" ");

/** Every text and number in a value. */
function leaves(value) {
  if (value === null || typeof value === "boolean") return [];
  if (typeof value === "object") return Object.values(value).flatMap(leaves);
  return [plain(String(value))];
}

// ---------------------------------------------------------------- what is typed

function typedIn(form) {
  const fields = [...form.querySelectorAll("[data-field]")];
  const values = {};
  for (const field of fields) {
    if (field.type === "radio" && !field.checked) continue;
    values[field.name] = field.type === "checkbox" ? field.checked : field.value;
  }
  return values;
}

function putBack(form, values) {
  for (const field of form.querySelectorAll("[data-field]")) {
    if (!(field.name in values)) continue;
    if (field.type === "radio") field.checked = field.value === values[field.name];
    else if (field.type === "checkbox") field.checked = values[field.name];
    else if (field.value === "") field.value = values[field.name];
  }
}

async function prepareForm(form) {
  const address = location.pathname;
  const before = typedAt(address);
  if (before) putBack(form, before);
  form.addEventListener("input", () => keepTyped(address, typedIn(form)));
  form.addEventListener("submit", () => keepTyped(address, typedIn(form)));
  const key = await ownKey();
  if (!key) return;
  form.elements["browser-key"].value = key.shown;
  form.elements["browser-knows"].value = (await headsOf(form.dataset.case)).map(({ size }) => size).join(",");
}

// ---------------------------------------------------------------- what this browser saw

const headsOf = async (name) => (await kept(`heads/${name}`)) ?? [];

/** Hold a head that a deed names against all that this browser saw of the case before. */
async function checkPast(name, log, seen, past) {
  const heads = await headsOf(name);
  for (const each of heads) {
    require(each.log === log && each.size <= seen.size, "past");
    require(await extended(each.size, seen.size, past[each.size] ?? [], each.root, seen.root), "past");
  }
  await keep(`heads/${name}`, [{ log, size: seen.size, root: seen.root }]);
}

async function noteHead(name, answer) {
  const heads = await headsOf(name);
  const known = heads.some(({ size, root }) => size === answer.size && root === answer.root);
  if (!known && answer.log !== null) {
    await keep(`heads/${name}`, [...heads, { log: answer.log, size: answer.size, root: answer.root }].slice(-8));
  }
}

/** The installation's keys, from the one that this browser saw first. */
async function installationKeys() {
  const told = document.body.dataset.installation;
  const pinned = (await kept("installation")) ?? told;
  let response;
  try {
    response = await fetch("/v1/installation", { credentials: "omit" });
  } catch {
    throw new Refused("unreached");
  }
  if (!response.ok) throw new Refused("");
  const { keys } = await response.json();
  const found = await as("installation", () => keysFrom(keys, pinned));
  await keep("installation", pinned);
  return found;
}

// ---------------------------------------------------------------- what is signed

function shownValue(value) {
  const flat = Array.isArray(value) && value.every((each) => each === null || typeof each !== "object");
  if (value === null || typeof value !== "object" || flat) {
    const said = document.createElement("span");
    said.className = "said";
    said.textContent = flat ? value.join(", ") || "–" : value === null ? "–" : String(value);
    return said;
  }
  const list = document.createElement("dl");
  list.className = "bytes";
  for (const [name, inner] of Object.entries(value)) {
    const term = document.createElement("dt");
    term.textContent = name;
    const told = document.createElement("dd");
    told.append(shownValue(inner));
    list.append(term, told);
  }
  return list;
}

/** What is said first; what binds it to the log, for whoever unfolds it. */
function showBytes(page, payload, parts) {
  page.querySelector("[data-bytes]").replaceChildren(...parts.map(shownValue));
  page.querySelector("[data-bound]").replaceChildren(shownValue(payload));
  page.querySelector("[data-folded]").hidden = false;
}

/** Hold what was drafted against itself, against the key, and against what was typed. */
async function checkDraft(page, draft, key) {
  const payload = await as("form", () => parsed(draft.payload));
  const parts = await as("form", () => draft.parts.map(({ text }) => parsed(text)));
  require(payload.v === 2 && payload.key === (await fingerprint(bytesOfHex(key.shown))), "form");
  require(payload.parts.length === parts.length && parts.length > 0, "form");
  for (const [i, { salt, text }] of draft.parts.entries()) {
    require(/^[0-9a-f]{64}$/.test(salt) && (await commitment(salt, text)) === payload.parts[i], "form");
  }
  const { kind, party } = page.dataset;
  require(payload.deed === kind && parts[0].type === kind, "another");
  require(payload.actor === party && parts[0].actor === party, "another");
  const found = new Set(leaves(parts));
  const typed = typedAt(page.dataset.at) ?? {};
  for (const [name, value] of Object.entries(typed)) {
    const field = page.querySelector(`[data-kind-of="${CSS.escape(name)}"]`);
    const said = field?.dataset.many === "true" ? String(value).replaceAll(",", " ").split(/\s+/) : [String(value)];
    if (typeof value === "boolean") continue;
    for (const each of said) require(plain(each) === "" || found.has(plain(each)), "another");
  }
  const last = await kept(`last/${page.dataset.case}/${payload.key}`);
  if (last) require(payload.seq === last.seq + 1 && payload.before === last.digest, "past");
  return { payload, parts };
}

async function send(name, sent) {
  let response;
  try {
    response = await fetch(`/cases/${name}/signed`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: sent.body,
    });
  } catch {
    throw new Refused("unreached");
  }
  const line = await response.text();
  if (!response.ok) throw new Refused(await as("answer", () => JSON.parse(line).code ?? ""));
  const answer = await as("answer", async () => answerIn(line, await installationKeys()));
  require(answer.deed === sent.digest, "answer");
  if (answer.answer === "recorded") await keep(`last/${name}/${sent.key}`, { digest: sent.digest, seq: sent.seq });
  await noteHead(name, answer);
  await keep(`answers/${sent.digest}`, line);
  await letGo(`sent/${name}/${sent.digest}`);
  return answer;
}

/** Send again what was signed here in a case and has no answer: a key's deeds follow each other. */
async function settle(name) {
  for (const [, sent] of await keptUnder(`sent/${name}/`)) await send(name, sent);
}

// ---------------------------------------------------------------- pages

function say(page, name, text = "") {
  for (const each of page.querySelectorAll("[data-says]")) each.hidden = each.dataset.says !== name;
  const said = page.querySelector(`[data-says="${name}"]`) ?? page.querySelector('[data-says="refused"]');
  said.hidden = false;
  const why = said.querySelector("[data-why]");
  if (why) why.textContent = text;
  said.scrollIntoView({ block: "nearest" });
}

const nameOf = (error) => (error instanceof Caught ? error.name : error instanceof Refused && error.code === "unreached" ? "unreached" : "refused");

async function prepareCheck(page) {
  const key = await ownKey();
  const raw = page.querySelector("[data-draft]")?.value ?? "";
  if (!key) return say(page, "no-key");
  if (raw === "") return say(page, "not-admitted");
  const draft = JSON.parse(raw);
  const name = page.dataset.case;
  try {
    await settle(name);
    const { payload, parts } = await checkDraft(page, draft, key);
    await checkPast(name, payload.log, payload.seen, draft.past);
    showBytes(page, payload, parts);
    const button = page.querySelector("[data-sign]");
    button.hidden = false;
    button.addEventListener("click", () => signed(page, draft, payload, key, button), { once: true });
  } catch (error) {
    say(page, nameOf(error), error instanceof Refused ? error.code : "");
  }
}

async function signed(page, draft, payload, key, button) {
  button.disabled = true;
  const name = page.dataset.case;
  try {
    const body = JSON.stringify({ envelope: await envelope(draft.payload, key), parts: draft.parts });
    const digest = await deedDigest(draft.payload);
    const sent = { body, digest, key: payload.key, seq: payload.seq };
    await keep(`sent/${name}/${digest}`, sent);
    const answer = await send(name, sent);
    if (answer.answer === "refused") return say(page, "refused", `${answer.code}: ${answer.why}`);
    letGoTyped(page.dataset.at);
    for (const each of page.querySelectorAll("[data-before]")) each.hidden = true;
    say(page, "recorded", String(answer.n));
  } catch (error) {
    say(page, nameOf(error), error instanceof Refused ? error.code : "");
    button.disabled = false;
    button.addEventListener("click", () => location.reload(), { once: true });
  }
}

async function showKey(page) {
  const key = await ownKey();
  page.querySelector("[data-none]").hidden = Boolean(key);
  page.querySelector("[data-there]").hidden = !key;
  if (!key) return;
  page.querySelector("[data-fingerprint]").textContent = await fingerprint(bytesOfHex(key.shown));
  const { party, kinds } = page.dataset;
  const claimed = await claim(party, key);
  const hidden = page.querySelector("[data-claim]");
  if (hidden) hidden.value = claimed;
  const words = ["touchstone party signers admit", claimed, "--as", party, "--label", page.querySelector("[data-label]").value];
  for (const kind of kinds.split(" ")) words.push("--kind", kind);
  page.querySelector("[data-command]").textContent = words.join(" ");
}

function prepareKey(page) {
  page.querySelector("[data-make]").addEventListener("click", async () => {
    await makeKey(hex);
    await showKey(page);
  });
  page.querySelector("[data-label]").addEventListener("input", () => showKey(page));
  return showKey(page);
}

for (const form of document.querySelectorAll("form[data-deed]")) await prepareForm(form);
for (const page of document.querySelectorAll("[data-check]")) await prepareCheck(page);
for (const page of document.querySelectorAll("[data-own-key]")) await prepareKey(page);
