// Open pages of a site in Chromium at several widths, and print what a reader would see as JSON.
// Arguments: the program, the address of the site, a folder for its profile, the pages, the widths, flags of Chromium.
// With PICTURES=1, a picture of each view goes into that folder.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const [program, site, folder, pages, widths, ...flags] = process.argv.slice(2);
const chromium = spawn(program, [...flags, `--user-data-dir=${folder}`, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
const address = await new Promise((resolve, reject) => {
  let printed = "";
  chromium.on("exit", () => reject(new Error(printed)));
  chromium.stderr.on("data", (data) => {
    printed += data;
    const found = printed.match(/DevTools listening on (ws:\S+)/);
    if (found) resolve(found[1]);
  });
});

const socket = new WebSocket(address);
await new Promise((resolve) => (socket.onopen = resolve));
const answers = new Map();
const errors = [];
const requests = new Set();
let loaded = () => {};
socket.onmessage = ({ data }) => {
  const { id, method, params, result, error } = JSON.parse(data);
  if (id) answers.get(id)(error ? Promise.reject(new Error(error.message)) : result);
  if (method === "Page.loadEventFired") loaded();
  if (method === "Runtime.exceptionThrown") errors.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
  if (method === "Runtime.consoleAPICalled" && params.type === "error") errors.push(JSON.stringify(params.args.map((each) => each.value)));
  if (method === "Log.entryAdded" && params.entry.level === "error") errors.push(`${params.entry.text} ${params.entry.url ?? ""}`);
  if (method === "Network.requestWillBeSent") requests.add(params.request.url);
};
let last = 0;
let sessionId;
const send = (method, params = {}) =>
  new Promise((resolve) => {
    answers.set(++last, resolve);
    socket.send(JSON.stringify({ id: last, method, params, sessionId }));
  });
const evaluate = async (expression) => {
  const { result, exceptionDetails } = await send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
};
const picture = async (name) => {
  if (process.env.PICTURES !== "1") return;
  const { data } = await send("Page.captureScreenshot");
  writeFileSync(join(folder, `${name}.png`), Buffer.from(data, "base64"));
};

const { targetId } = await send("Target.createTarget", { url: "about:blank" });
sessionId = (await send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
for (const domain of ["Page", "Runtime", "Log", "Network"]) await send(`${domain}.enable`);

const seen = (selector) => `(() => {
  const found = [...document.querySelectorAll(${JSON.stringify(selector)})].map((each) => each.getBoundingClientRect());
  return found.some(({ left, right, width, height }) => width > 0 && height > 0 && right > 0 && left < innerWidth);
})()`;
const views = [];
for (const width of JSON.parse(widths)) {
  await send("Emulation.setDeviceMetricsOverride", { width, height: 800, deviceScaleFactor: 1, mobile: width < 600 });
  for (const page of JSON.parse(pages)) {
    const load = new Promise((resolve) => (loaded = resolve));
    await send("Page.navigate", { url: site + page });
    await load;
    await sleep(300);
    const view = { page, width };
    view.heading = await evaluate(`${seen("h1")} && document.querySelector("h1").innerText`);
    view.overflow = await evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - innerWidth");
    await picture(`${page.replaceAll("/", "-") || "index"}-${width}`);
    const drawer = await evaluate("Boolean(document.querySelector('label[for=__drawer]'))");
    if (drawer && !(await evaluate(seen("nav.md-nav--primary a.md-nav__link")))) {
      await evaluate(`document.querySelector("label[for=__drawer]").click()`);
      await sleep(500);
      await picture(`${page.replaceAll("/", "-") || "index"}-${width}-navigation`);
    }
    view.navigation = await evaluate(seen("nav.md-nav--primary a.md-nav__link"));
    views.push(view);
  }
}

const searchable = await evaluate("Boolean(document.querySelector('.md-search__button'))");
if (searchable) await evaluate(`document.querySelector(".md-search__button").click()`);
const box = `[...document.querySelectorAll("*")].find((each) => each.shadowRoot?.querySelector("[role=combobox]"))?.shadowRoot`;
const search = async (words) => {
  for (let tries = 0; !(await evaluate(`${box}?.activeElement?.matches("input")`)); tries++) {
    if (tries === 100) return [];
    await sleep(100);
  }
  await send("Input.insertText", { text: words });
  for (let tries = 0; tries < 100; tries++) {
    const found = await evaluate(`[...${box}.querySelectorAll("[role=option]")].map((each) => each.innerText)`);
    if (found.some((each) => each.includes(words))) return found.slice(0, 10);
    await sleep(100);
  }
  return [];
};
const results = searchable ? await search("Service") : [];
await picture("search");
console.log(JSON.stringify({ views, results, errors, requests: [...requests] }));
chromium.kill("SIGKILL");
process.exit(0);
