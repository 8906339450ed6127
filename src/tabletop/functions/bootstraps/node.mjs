// The runtime client for Node.js functions: loads the handler, then asks for an event, runs it and answers, for ever.
//
// Handlers may be async, answer through a callback, or through the context's old done/succeed/fail; modules may be ESM
// or CommonJS. Error names and texts are those that AWS's Node.js runtime answers with. Standard output is the
// function's log: one line is one event, and the inner line ends of a longer message travel as carriage returns.

import { existsSync, writeSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import { format } from "node:util";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const API = "/2018-06-01/runtime/";
const EXTENSIONS = ["", ".js", ".mjs", ".cjs"];
const asJson = process.env.AWS_LAMBDA_LOG_FORMAT === "JSON";
let requestId = "";

function ask(method, resource, body = "", headers = {}) {
  return new Promise((resolve, reject) => {
    const length = { "Content-Length": Buffer.byteLength(body) };
    const options = { host, port, method, agent, path: API + resource, headers: { ...length, ...headers } };
    const request = http.request(options, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
      response.on("error", reject);
    });
    request.setNoDelay(true);
    request.on("error", reject);
    request.end(body);
  });
}

// Handlers that stream are marked by awslambda.streamifyResponse and get (event, responseStream, context).
const STREAMING = Symbol("streaming handler");
const HTTP_TYPE = "application/vnd.awslambda.http-integration-response";

globalThis.awslambda = {
  streamifyResponse(handler) {
    handler[STREAMING] = true;
    return handler;
  },
  HttpResponseStream: {
    // Status and headers travel ahead of the body: JSON, then eight zero bytes.
    from(stream, metadata) {
      stream.setContentType(HTTP_TYPE);
      stream.write(JSON.stringify(metadata));
      stream.write(Buffer.alloc(8));
      return stream;
    },
  },
};

class ResponseStream extends Writable {
  #resource;
  #request;
  #contentType = "application/octet-stream";

  constructor(resource) {
    super();
    this.#resource = resource;
    this.answered = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    this.answered.catch(() => {});
  }

  get begun() {
    return this.#request !== undefined;
  }

  setContentType(contentType) {
    if (this.begun) throw new Fault("InvalidStreamingOperation", "Cannot set content-type, too late.");
    this.#contentType = contentType;
  }

  #open() {
    if (this.begun) return;
    const headers = {
      "Content-Type": this.#contentType,
      "Lambda-Runtime-Function-Response-Mode": "streaming",
      "Transfer-Encoding": "chunked",
      Trailer: "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
    };
    this.#request = http.request({ host, port, agent, method: "POST", path: API + this.#resource, headers }, (response) => {
      response.resume();
      response.on("end", this.settle.resolve);
    });
    this.#request.on("error", this.settle.reject);
    this.#request.flushHeaders();
  }

  _write(chunk, encoding, done) {
    this.#open();
    this.#request.write(chunk, encoding, done);
  }

  _final(done) {
    this.#open();
    this.#request.end(done);
  }

  // The error that a handler raised in the middle of its response.
  breakOff(error) {
    const payload = describe(error);
    this.#request.addTrailers({
      "Lambda-Runtime-Function-Error-Type": headerText(payload.errorType),
      "Lambda-Runtime-Function-Error-Body": Buffer.from(JSON.stringify(payload)).toString("base64"),
    });
    this.end();
  }
}

async function runStreaming(handler, event, headers, resource) {
  const stream = new ResponseStream(resource + "response");
  try {
    await handler(event, stream, contextOf(headers));
  } catch (error) {
    if (!stream.begun) throw error;
    logError("Invoke Error", error);
    stream.breakOff(error);
  }
  if (!stream.writableEnded) stream.end();
  await stream.answered;
}

class Fault extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

function writeMessage(text) {
  let rest = Buffer.from(text.replace(/\n/g, "\r") + "\n");
  while (rest.length) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

function patchConsole() {
  const levels = { log: "INFO", info: "INFO", debug: "DEBUG", trace: "TRACE", warn: "WARN", error: "ERROR" };
  for (const [method, level] of Object.entries(levels)) {
    console[method] = (...values) => {
      const timestamp = new Date().toISOString();
      const message = format(...values);
      writeMessage(
        asJson ? JSON.stringify({ timestamp, level, requestId, message }) : `${timestamp}\t${requestId || "undefined"}\t${level}\t${message}`,
      );
    };
  }
}

async function loadHandler(name) {
  const root = process.env.LAMBDA_TASK_ROOT;
  const base = path.basename(name);
  const dot = base.indexOf(".");
  if (dot < 1 || name.includes("..")) throw new Fault("Runtime.MalformedHandlerName", "Bad handler");
  const moduleName = path.join(path.dirname(name), base.slice(0, dot));
  const file = EXTENSIONS.map((extension) => path.resolve(root, moduleName + extension)).find((candidate) => existsSync(candidate));
  if (!file) throw new Fault("Runtime.ImportModuleError", `Error: Cannot find module '${moduleName}'`);
  let loaded;
  try {
    loaded = await import(pathToFileURL(file).href);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Fault("Runtime.UserCodeSyntaxError", `SyntaxError: ${error.message}`);
    if (error?.code === "ERR_MODULE_NOT_FOUND" || error?.code === "MODULE_NOT_FOUND") {
      throw new Fault("Runtime.ImportModuleError", `Error: ${error.message}`);
    }
    throw error;
  }
  const steps = base.slice(dot + 1).split(".");
  const follow = (start) => steps.reduce((value, step) => value?.[step], start);
  const handler = follow(loaded) ?? follow(loaded.default);
  if (handler === undefined) throw new Fault("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  if (typeof handler !== "function") throw new Fault("Runtime.HandlerNotFound", `${name} is not a function`);
  return handler;
}

function contextOf(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const parsed = (name) => (headers[name] ? JSON.parse(headers[name]) : undefined);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed("lambda-runtime-client-context"),
    identity: parsed("lambda-runtime-cognito-identity"),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, answer) => (error !== undefined && error !== null ? reject(error) : resolve(answer));
    Object.assign(context, { done: callback, succeed: resolve, fail: reject });
    const answer = handler(event, context, callback);
    if (typeof answer?.then === "function") answer.then(resolve, reject);
  });
}

function describe(error) {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? "").split("\n") };
}

function headerText(text) {
  return text.replace(/[^\x20-\x7e]/g, "?");
}

function logError(title, error) {
  const payload = describe(error);
  console.error(title, "\t" + JSON.stringify({ ...payload, stack: payload.trace, trace: undefined }));
}

async function report(resource, error) {
  const payload = describe(error);
  logError(resource.startsWith("init") ? "Uncaught Exception" : "Invoke Error", error);
  await ask("POST", resource, JSON.stringify(payload), { "Lambda-Runtime-Function-Error-Type": headerText(payload.errorType) });
}

async function serve(handler) {
  for (;;) {
    const next = await ask("GET", "invocation/next");
    requestId = next.headers["lambda-runtime-aws-request-id"];
    process.env._X_AMZN_TRACE_ID = next.headers["lambda-runtime-trace-id"];
    const resource = `invocation/${requestId}/`;
    let answer;
    try {
      if (handler[STREAMING]) {
        await runStreaming(handler, JSON.parse(next.body), next.headers, resource);
        continue;
      }
      answer = await run(handler, JSON.parse(next.body), contextOf(next.headers));
      answer = answer === undefined ? "null" : JSON.stringify(answer) ?? "null";
    } catch (error) {
      await report(resource + "error", error);
      continue;
    }
    await ask("POST", resource + "response", answer, { "Content-Type": "application/json" });
  }
}

function endWith(name) {
  return (reason) => {
    const error = new Fault(name, reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason));
    const resource = requestId ? `invocation/${requestId}/error` : "init/error";
    report(resource, error).finally(() => process.exit(128 + 1));
  };
}

patchConsole();
process.on("uncaughtException", endWith("Runtime.UncaughtException"));
process.on("unhandledRejection", endWith("Runtime.UnhandledPromiseRejection"));
let handler;
try {
  handler = await loadHandler(process.env._HANDLER);
} catch (error) {
  await report("init/error", error);
  process.exit(1);
}
serve(handler).catch(() => process.exit(0));
