import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** What `halobridge demo --json` prints, on one line, once it serves. */
export interface Ready {
  /** Address of the console, such as `http://127.0.0.1:40123`. */
  console: string;
  /** Sign-in made up for this run. */
  user: string;
  password: string;
  /** Address of the twin's own page. */
  twin: string;
}

/** What `halobridge serve` prints when there is no account yet. */
export interface Bare {
  console: string;
  /** The one-time code for making the first admin. */
  code: string;
}

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.env.HALOBRIDGE_BIN ?? resolve(here, "../../target/demo/halobridge");

/** What `halobridge twin --json` prints: addresses and credentials of both clouds. */
export interface Clouds {
  admin: string;
  microsoft: { tenant_id: string; subscription_id: string; client_id: string; client_secret: string; arm: string; authority: string };
  halo: { api: string; client_id: string; client_secret: string };
}

/** The built program in a data directory of its own, on a free port. */
export class Program<T = Ready> {
  private constructor(
    readonly ready: T,
    private child: ChildProcess,
    private readonly data: string,
    private readonly said: string[],
  ) {}

  /** The demo: the console over the twin, with thirty days of made-up life. */
  static start(args: string[] = []): Promise<Program> {
    return Program.run(["demo", "--json", ...args], (said) => {
      const line = said.find((line) => line.startsWith("{"));
      return line && (JSON.parse(line) as Ready);
    });
  }

  /** The server with nothing set up. */
  static bare(): Promise<Program<Bare>> {
    return Program.run(["serve"], (said) => {
      const all = said.join("\n");
      const console = /^Halobridge serves (\S+?)\/?$/m.exec(all)?.[1];
      const code = /one-time code: (\S+)$/m.exec(all)?.[1];
      return console && code ? { console, code } : undefined;
    });
  }

  /** Both clouds on a port of their own: another origin than the console's. */
  static twin(args: string[] = []): Promise<Program<Clouds>> {
    return Program.run(["twin", "--json", "--limits", "off", ...args], (said) => {
      const line = said.find((line) => line.startsWith("{"));
      return line && (JSON.parse(line) as Clouds);
    });
  }

  /** What it has printed so far, its log among it. */
  get lines(): readonly string[] {
    return this.said;
  }

  /** Kills a server as a power cut would, and starts it again on the same data directory and port. */
  async cut(this: Program<Bare>): Promise<void> {
    const ended = new Promise<unknown>((done) => this.child.once("exit", done));
    this.child.kill("SIGKILL");
    await ended;
    const listen = new URL(this.ready.console).host;
    this.child = spawn(binary, ["serve", "--listen", listen, "--data-dir", this.data], { stdio: ["ignore", "pipe", "pipe"] });
    createInterface({ input: this.child.stderr! }).on("line", (line) => this.said.push(line));
    await new Promise<void>((done, fail) => {
      this.child.once("exit", (code) => fail(new Error(`ended with ${code} before it served\n${this.said.join("\n")}`)));
      createInterface({ input: this.child.stdout! }).on("line", (line) => {
        this.said.push(line);
        if (line.startsWith("Halobridge serves ")) done();
      });
    });
  }

  private static async run<T>(what: string[], heard: (said: string[]) => T | undefined | ""): Promise<Program<T>> {
    const data = await mkdtemp(join(tmpdir(), "halobridge-e2e-"));
    const command = [...what, "--listen", "127.0.0.1:0", "--data-dir", data];
    const child = spawn(binary, command, { stdio: ["ignore", "pipe", "pipe"] });
    const said: string[] = [];
    createInterface({ input: child.stderr! }).on("line", (line) => said.push(line));
    const ready = await new Promise<T>((done, fail) => {
      const give = (why: string) => fail(new Error(`${binary} ${command.join(" ")}: ${why}\n${said.join("\n")}`));
      child.once("error", (error) => give(error.message));
      child.once("exit", (code) => give(`ended with ${code} before it was ready`));
      createInterface({ input: child.stdout! }).on("line", (line) => {
        said.push(line);
        const found = heard(said);
        if (found) done(found);
      });
    });
    return new Program(ready, child, data, said);
  }

  /** Asks it to stop, as an operator would; it must end by itself and without a fault. */
  async stop(): Promise<void> {
    const ended = new Promise<number | null>((done) => this.child.once("exit", done));
    this.child.kill("SIGTERM");
    const code = this.child.exitCode ?? (await ended);
    await rm(this.data, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the program ended with ${code}\n${this.said.join("\n")}`);
    const panicked = this.said.filter((line) => line.includes("panicked at"));
    if (panicked.length > 0) throw new Error(panicked.join("\n"));
  }
}
