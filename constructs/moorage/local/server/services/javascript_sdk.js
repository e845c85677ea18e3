// The AWS SDK for JavaScript v3, as Lambda's runtimes include it. A package in the function's folder has priority.
// Each call goes to a Python process beside the function's, which knows every service from botocore's models.
(function provideSdk() {
  const Module = require("module");
  const { Readable } = require("stream");
  const { spawn, spawnSync } = require("child_process");
  const python = __PYTHON__;
  const calls = __CALLS__;
  const require_ = Module.prototype.require;
  const modules = {};
  const SERVICES_OF_VERSION_2 = {
    CognitoIdentityServiceProvider: "cognito-identity-provider",
    ELBv2: "elastic-load-balancing-v2",
    StepFunctions: "sfn",
  };
  const waiting = new Map();
  let caller = null;
  let number = 0;

  function started() {
    if (caller) return caller;
    caller = spawn(python, [calls], { env: process.env, stdio: ["pipe", "pipe", "inherit"] });
    let rest = "";
    caller.stdout.on("data", (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const answer = JSON.parse(line);
        const { resolve, reject } = waiting.get(answer.id);
        waiting.delete(answer.id);
        if (!waiting.size) for (const part of [caller, caller.stdin, caller.stdout]) part.unref();
        if (answer.error) reject(failure(answer.error));
        else resolve(decoded(answer.output));
      }
    });
    const end = (error) => {
      for (const { reject } of waiting.values()) reject(error instanceof Error ? error : new Error("the SDK ended"));
      waiting.clear();
      caller = null;
    };
    caller.on("error", end);
    caller.on("exit", end);
    return caller;
  }

  async function call(kind, service, name, input, config) {
    const credentials = typeof config.credentials === "function" ? await config.credentials() : config.credentials;
    const region = typeof config.region === "function" ? await config.region() : config.region;
    const id = ++number;
    const stated = { id, kind, service, name, input: encoded(input || {}), region, credentials };
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      const process_ = started();
      for (const part of [process_, process_.stdin, process_.stdout]) part.ref();
      process_.stdin.write(JSON.stringify(stated) + "\n");
    });
  }

  function encoded(value) {
    if (value instanceof Date) return { $date: value.toISOString() };
    if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
    if (Array.isArray(value)) return value.map(encoded);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, encoded(each)]));
    }
    return value;
  }

  function decoded(value) {
    if (Array.isArray(value)) return value.map(decoded);
    if (!value || typeof value !== "object") return value;
    if ("$date" in value) return new Date(value.$date);
    if ("$bytes" in value) return bytes(Buffer.from(value.$bytes, "base64"));
    if ("$stream" in value) return streamed(Buffer.from(value.$stream, "base64"));
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, decoded(each)]));
  }

  function bytes(content) {
    return Object.assign(new Uint8Array(content), {
      transformToString: (encoding) => content.toString(encoding || "utf8"),
    });
  }

  function streamed(content) {
    return Object.assign(Readable.from([content]), {
      transformToByteArray: async () => new Uint8Array(content),
      transformToString: async (encoding) => content.toString(encoding || "utf8"),
    });
  }

  function failure({ name, code, message, status, requestId }) {
    const $metadata = { httpStatusCode: status, requestId, attempts: 1, totalRetryDelay: 0 };
    return Object.assign(new Error(message), { name, Code: code, $fault: status < 500 ? "client" : "server", $metadata });
  }

  function clientClass(service) {
    return class {
      constructor(config) {
        const { region } = config || {};
        const stated = typeof region === "function" ? region : async () => region || process.env.AWS_REGION;
        this.config = { ...config, region: stated };
        this.middlewareStack = { add() {}, addRelativeTo() {}, use() {}, remove() {} };
      }

      send(command, options, callback) {
        const answered = call("call", service, command.operation, command.input, this.config);
        const told = typeof options === "function" ? options : callback;
        if (!told) return answered;
        answered.then((output) => told(null, output), (error) => told(error));
      }

      destroy() {}
    };
  }

  // A client with a method for each operation: `new S3().listBuckets({})`.
  function serviceClass(service) {
    const Client = clientClass(service);
    return class extends Client {
      constructor(config) {
        super(config);
        return new Proxy(this, {
          get: (client, key) => {
            if (key in client || typeof key !== "string" || key === "then") return client[key];
            const operation = key[0].toUpperCase() + key.slice(1);
            return (input, options, callback) => client.send({ operation, input }, options, callback);
          },
        });
      }
    };
  }

  function commandClass(operation) {
    return class {
      constructor(input) {
        this.operation = operation;
        this.input = input || {};
      }
    };
  }

  function exceptionClass(name) {
    const any = name.endsWith("ServiceException");
    return class extends Error {
      static [Symbol.hasInstance](error) {
        return Boolean(error && (any ? error.$metadata : error.name === name));
      }
    };
  }

  function exported(service, name) {
    if (name.endsWith("Client")) return clientClass(service);
    if (name.endsWith("Command")) return commandClass(name.slice(0, -"Command".length));
    if (name.startsWith("paginate")) {
      return async function* pages({ client }, input) {
        yield* await call("pages", service, name.slice("paginate".length), input, client.config);
      };
    }
    if (name.startsWith("waitUntil")) {
      return async ({ client, maxWaitTime }, input) => {
        const config = { ...client.config, maxWaitTime };
        await call("wait", service, name.slice("waitUntil".length), input, config);
        return { state: "SUCCESS" };
      };
    }
    if (name.toLowerCase() === service.replace(/-/g, "")) return serviceClass(service);
    return /^[A-Z]/.test(name) ? exceptionClass(name) : undefined;
  }

  function sdkModule(service) {
    const known = {};
    let names = null;
    function all() {
      if (names) return names;
      const input = JSON.stringify({ id: 0, kind: "names", service });
      const { error, stderr, stdout } = spawnSync(python, [calls], { input, env: process.env });
      if (error || !stdout.length) throw error || new Error(`the SDK ended: ${stderr}`);
      const answer = JSON.parse(stdout);
      if (answer.error) throw failure(answer.error);
      return (names = answer.output);
    }
    return new Proxy(known, {
      get: (_, key) => {
        if (typeof key !== "string" || key === "then" || key === "__esModule") return undefined;
        return (known[key] = known[key] || exported(service, key));
      },
      has: (_, key) => typeof key === "string" && exported(service, key) !== undefined,
      ownKeys: () => [...new Set([...all(), ...Object.keys(known)])],
      getOwnPropertyDescriptor: (_, key) => ({
        configurable: true,
        enumerable: true,
        value: (known[key] = known[key] || exported(service, key)),
      }),
    });
  }

  const credentialProviders = {
    fromEnv: () => async () => undefined,
    fromNodeProviderChain: () => async () => undefined,
    fromTemporaryCredentials: ({ params, clientConfig }) => async () => {
      const input = { RoleSessionName: "aws-sdk-js", ...params };
      const { Credentials } = await call("call", "sts", "AssumeRole", input, clientConfig || {});
      return {
        accessKeyId: Credentials.AccessKeyId,
        secretAccessKey: Credentials.SecretAccessKey,
        sessionToken: Credentials.SessionToken,
        expiration: Credentials.Expiration,
      };
    },
  };

  // Version 2 of the SDK, which the runtimes include up to Node.js 16: `new AWS.S3().listBuckets({}).promise()`.
  const settings = { update: (stated) => Object.assign(settings, stated) };
  const secondVersion = new Proxy(
    { config: settings },
    {
      get: (known, key) => {
        if (key in known || !/^[A-Z]/.test(String(key))) return known[key];
        return (known[key] = oldServiceClass(SERVICES_OF_VERSION_2[key] || key.toLowerCase()));
      },
    },
  );

  function oldServiceClass(service) {
    return class {
      constructor(config) {
        const { accessKeyId, secretAccessKey, sessionToken, ...rest } = { ...settings, ...config };
        const credentials = accessKeyId && { accessKeyId, secretAccessKey, sessionToken };
        this.config = { credentials, ...rest };
        return new Proxy(this, { get: (client, key) => client[key] || oldMethod(service, key, client.config) });
      }
    };
  }

  function oldMethod(service, key, config) {
    if (typeof key !== "string" || key === "then") return undefined;
    return (input, callback) => {
      const told = typeof input === "function" ? input : callback;
      const send = async () => {
        try {
          return await call("call", service, key[0].toUpperCase() + key.slice(1), input === told ? {} : input, config);
        } catch (error) {
          const statusCode = error.$metadata && error.$metadata.httpStatusCode;
          throw Object.assign(error, { code: error.Code || error.name, statusCode });
        }
      };
      const request = {
        promise: send,
        send: (answered) => void send().then((output) => answered(null, output), answered),
      };
      if (told) request.send(told);
      return request;
    };
  }

  function hasSecondVersion() {
    const runtime = /nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV || "");
    return !runtime || Number(runtime[1]) <= 16;
  }

  Module.prototype.require = function requireWithSdk(id) {
    if (id === "aws-sdk" && hasSecondVersion()) {
      try {
        return require_.apply(this, arguments);
      } catch (error) {
        if (error.code !== "MODULE_NOT_FOUND") throw error;
        return secondVersion;
      }
    }
    const package_ = typeof id === "string" && /^@aws-sdk\/(?:client-(.+)|credential-providers)$/.exec(id);
    if (!package_) return require_.apply(this, arguments);
    try {
      return require_.apply(this, arguments);
    } catch (error) {
      if (error.code !== "MODULE_NOT_FOUND" || !error.message.includes(`'${id}'`)) throw error;
    }
    if (!package_[1]) return credentialProviders;
    return (modules[id] = modules[id] || sdkModule(package_[1]));
  };
})();
