// What this browser keeps of a person: a key that cannot be taken out, what it saw of logs, and the
// deeds that it signed. What is typed into a form is kept by its tab alone, until it is signed.

const PERSON = document.body.dataset.person;

function opened() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("touchstone", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("kept");
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

async function inStore(mode, use) {
  const base = await opened();
  try {
    return await new Promise((resolve, reject) => {
      // Strict: what is signed is on the disk before it is sent.
      const transaction = base.transaction("kept", mode, { durability: "strict" });
      const asked = use(transaction.objectStore("kept"));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    base.close();
  }
}

const own = (name) => `${PERSON}/${name}`;
export const kept = (name) => inStore("readonly", (store) => store.get(own(name)));
export const keep = (name, value) => inStore("readwrite", (store) => store.put(value, own(name)));
export const letGo = (name) => inStore("readwrite", (store) => store.delete(own(name)));

/** All that is kept under names that begin so, with their names. */
export async function keptUnder(beginning) {
  const range = IDBKeyRange.bound(own(beginning), own(`${beginning}\uffff`));
  const names = await inStore("readonly", (store) => store.getAllKeys(range));
  const values = await inStore("readonly", (store) => store.getAll(range));
  return names.map((name, i) => [name.slice(PERSON.length + 1), values[i]]);
}

/** The person's key in this browser: `{own, shown}`; undefined where it has made none. */
export const ownKey = () => kept("key");

/** Make one, in the place of any before it. */
export async function makeKey(hexOf) {
  const made = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  const key = { own: made.privateKey, shown: hexOf(await crypto.subtle.exportKey("raw", made.publicKey)) };
  await keep("key", key);
  await navigator.storage?.persist?.();
  return key;
}

const place = (address) => `${PERSON} ${address}`;
export const typedAt = (address) => JSON.parse(sessionStorage.getItem(place(address)) ?? "null");
export const keepTyped = (address, values) => sessionStorage.setItem(place(address), JSON.stringify(values));
export const letGoTyped = (address) => sessionStorage.removeItem(place(address));
