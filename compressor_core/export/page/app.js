// The page: what is typed goes to the tokenizer and the model, and the answer is written with textContent alone.
const LONGEST = 200_000; // characters: more is no function, and reading it would make the page wait
const RUNS = 5; // of which the median is shown: a browser makes WebAssembly faster while it runs

const at = (id) => document.getElementById(id);
const settings = JSON.parse(at("settings").textContent);
const tokenize = makeTokenizer(JSON.parse(at("tokenizer").textContent));
const boxes = settings.boxes.map(addBox);
let session = null;

describe();
try {
  session = await open();
  say("Ready. Nothing that you type leaves this page.");
  at("predict").disabled = false;
} catch (error) {
  say(`This browser cannot run the model (${error.message}): try a current Chrome, Edge, Firefox or Safari.`, true);
}

at("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (at("predict").disabled) return;
  at("result").hidden = true;
  const codes = boxes.map((box) => box.value);
  const problem = problemOf(codes);
  if (problem) return say(problem, true);
  at("predict").disabled = true;
  say("Predicting …");
  await new Promise((resolve) => setTimeout(resolve)); // let the page be drawn before the work begins
  try {
    await answer(codes); // not counted: the first call of a length pays for what is set up once
    const answers = [];
    for (let run = 0; run < RUNS; run++) answers.push(await answer(codes));
    answers.sort((one, other) => one.reading + one.model - other.reading - other.model);
    show(answers[(RUNS - 1) / 2]);
    say("");
  } catch (error) {
    say(`The model failed (${error.message}): reload the page and try again.`, true);
  }
  at("predict").disabled = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("form").requestSubmit();
});

async function open() {
  ort.env.wasm.numThreads = 1; // more need a server that isolates the page
  ort.env.wasm.proxy = false;
  const [wasm, model] = await Promise.all([inflated("wasm"), inflated("model")]);
  ort.env.wasm.wasmBinary = wasm;
  return ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
}

// The bytes that a block holds as gzip in base64; the block itself is let go.
async function inflated(id) {
  const text = atob(at(id).textContent);
  at(id).remove();
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function problemOf(codes) {
  const name = (index) => (codes.length > 1 ? `The ${["first", "second"][index]} box` : "The box");
  for (const [index, code] of codes.entries()) {
    if (!code.trim()) return `${name(index)} is empty: paste a function.`;
    if (code.includes("\0")) return `${name(index)} holds binary data: paste the text of a function.`;
    if (code.startsWith("version https://git-lfs.github.com/spec/"))
      return `${name(index)} holds a Git LFS pointer, not the file itself: run git lfs pull where it was cloned.`;
    if (code.length > LONGEST) {
      const [found, most] = [code.length, LONGEST].map((count) => count.toLocaleString("en"));
      return `${name(index)} holds ${found} characters: paste one function, of at most ${most}.`;
    }
  }
  return "";
}

// Probabilities as PyTorch's softmax gives them, and the milliseconds of reading and of the model.
async function answer(codes) {
  const begin = performance.now();
  const functions = codes.map(tokenize);
  const feeds = {};
  for (const [index, { ids }] of functions.entries()) {
    const [name, mask] = settings.inputs[index];
    feeds[name] = tensor(ids);
    feeds[mask] = tensor(ids.map(() => 1));
  }
  const ready = performance.now();
  const { logits } = await session.run(feeds);
  const end = performance.now();
  const probabilities = softmax(Array.from(logits.data));
  if (!probabilities.every(Number.isFinite)) throw new Error("its answer is no finite number");
  return { functions, probabilities, reading: ready - begin, model: end - ready };
}

function tensor(values) {
  return new ort.Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);
}

function softmax(logits) {
  const highest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

function show({ functions, probabilities, reading, model }) {
  at("label").textContent = settings.labels[probabilities.indexOf(Math.max(...probabilities))];
  at("probabilities").replaceChildren(...probabilities.map(row));
  at("milliseconds").textContent = `${(reading + model).toFixed(1)} ms`;
  at("parts").textContent = `(tokenizer ${reading.toFixed(1)}, model ${model.toFixed(1)}; the median of ${RUNS} runs)`;
  at("read").textContent = functions.map((each, index) => readOf(each, index)).join(" ");
  at("result").hidden = false;
}

function readOf({ ids, cut }, index) {
  const name = boxes.length > 1 ? `${["First", "Second"][index]} function: ` : "";
  const most = settings.maxLength;
  if (cut) return `${name}longer than the ${most} tokens that the model reads; the rest was left out.`;
  return `${name}${ids.length} of at most ${most} tokens.`;
}

function row(probability, index) {
  const line = element("div", "probability");
  const track = element("div", "track");
  const bar = element("div", "bar");
  bar.style.width = `${100 * probability}%`;
  track.append(bar);
  const figure = element("span", "", `${(100 * probability).toFixed(2)} %`);
  figure.dataset.value = probability;
  line.append(element("span", "", settings.labels[index]), track, figure);
  return line;
}

function addBox(name, index) {
  const box = element("textarea");
  box.id = `code-${index + 1}`;
  box.spellcheck = false;
  box.autocapitalize = "off";
  box.placeholder = "Paste the code of one function";
  const label = element("label", "", name);
  label.htmlFor = box.id;
  const group = element("div");
  group.append(label, box);
  at("boxes").append(group);
  return box;
}

function describe() {
  document.title = settings.title;
  at("title").textContent = settings.title;
  at("about").textContent = settings.about;
  for (const [term, value] of settings.facts) at("facts").append(element("dt", "", term), element("dd", "", value));
}

function say(text, wrong = false) {
  at("status").textContent = text;
  at("status").className = wrong ? "wrong" : "";
}

function element(kind, name = "", text = "") {
  const made = document.createElement(kind);
  made.className = name;
  made.textContent = text;
  return made;
}
