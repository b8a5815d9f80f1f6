// The native API, as the page sees it.

const base = new URL("../api/v1/", document.baseURI);

// Problem is a refusal of the server, in its own words (RFC 9457), or the news that there is no server. Status 0 is the latter.
export class Problem extends Error {
  constructor(status, { detail, field, type, request_id: requestID } = {}) {
    super(sentence(detail ?? `The server answered with status ${status}.`));
    this.status = status;
    this.field = field;
    this.type = type?.split(":").at(-1);
    this.requestID = requestID;
  }
}

// sentence begins in upper case and ends with a stop.
function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

// path is a template tag: path`apps/${alias}` with every value escaped.
export function path(fixed, ...values) {
  return String.raw({ raw: fixed }, ...values.map(encodeURIComponent));
}

// API holds the account key, in the memory of this page and nowhere else: no storage, no cookie, no address.
class API {
  #key = "";

  admin = null;

  // onSignedOut is called when the server no longer knows the key.
  onSignedOut = () => {};

  get signedIn() {
    return this.#key !== "";
  }

  get accountKey() {
    return this.#key;
  }

  async setUp(answers) {
    this.#enter(await this.post("setup", answers));
  }

  async signIn(answers) {
    this.#enter(await this.post("admin/login", answers));
  }

  // join makes an account by an invitation.
  async join(answers) {
    this.#enter(await this.post("account/register", answers));
  }

  // offer sends what proves itself, the ticket of a letter. Whoever is signed in has nothing to do with it, and stays so when it is refused.
  offer(where, body) {
    return this.#call("POST", where, body, "");
  }

  // rotate replaces the account key and goes on with the new one.
  async rotate() {
    this.#enter(await this.post("admin/key"));
  }

  signOut() {
    this.#key = "";
    this.admin = null;
  }

  get(where) {
    return this.#call("GET", where);
  }

  post(where, body) {
    return this.#call("POST", where, body);
  }

  patch(where, body) {
    return this.#call("PATCH", where, body);
  }

  delete(where) {
    return this.#call("DELETE", where);
  }

  #enter({ admin, account_key: key }) {
    this.#key = key;
    this.admin = admin;
  }

  async #call(method, where, body, key = this.#key) {
    const response = await this.#send(method, where, body, key);
    const answer = await response.json().catch(() => undefined); // 204, or not from us
    if (response.ok) return answer;
    if (response.status === 401 && key !== "" && key === this.#key) {
      this.signOut();
      this.onSignedOut();
    }
    throw new Problem(response.status, answer);
  }

  #send(method, where, body, key) {
    const headers = { Accept: "application/json" };
    if (key) headers.Authorization = `Bearer ${key}`;
    if (body) headers["Content-Type"] = "application/json";
    return fetch(new URL(where, base), {
      method, headers, body: body && JSON.stringify(body),
      cache: "no-store", credentials: "omit", redirect: "error",
    }).catch(() => {
      throw new Problem(0, { detail: "The server cannot be reached. Check the connection and try again." });
    });
  }
}

export const api = new API();
